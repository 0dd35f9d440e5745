/**
 * Compatibility checks: 1,000 verdicts as CI asks for them. Loads: the shop's UserEvent, the bakery's nested
 * SalesEvent, and a wide contract (120 fields: nested records, lists, enums, decimals, recursion). Both directions are
 * judged whatever the mode asks for, as the report says who deploys first.
 *
 * Repeat: node --conditions=sluice-source bench/src/compatibility.ts [checks] [rounds] [--write]
 */
import { checkCompatibility, contracts } from '@sluice/schemas'
import type { AvroSchema, EarlierVersion } from '@sluice/schemas'
import { origin, storeResult } from './store-result.ts'

const [checks = 1_000, rounds = 7] = process.argv
  .slice(2)
  .filter((word) => word !== '--write')
  .map(Number)

function wide(version: number): AvroSchema {
  const fields = Array.from({ length: 120 }, (_, i) => {
    const name = `field_${i}`
    const changed = i % 10 === 0 && i / 10 < version
    switch (i % 5) {
      case 0:
        return { name, type: ['null', changed ? 'long' : 'int'], default: null }
      case 1:
        return {
          name,
          type: { type: 'array', items: { type: 'record', name: `Item${i}`, fields: [{ name: 'n', type: 'int' }] } },
        }
      case 2:
        return { name, type: { type: 'enum', name: `Kind${i}`, symbols: ['A', 'B', 'C'], default: 'A' } }
      case 3:
        return { name, type: ['null', 'Wide'], default: null }
      default:
        return { name, type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } }
    }
  })
  const added = Array.from({ length: version }, (_, i) => ({
    name: `added_${i}`,
    type: ['null', 'string'],
    default: null,
  }))
  return { type: 'record', name: 'Wide', fields: [...fields, ...added] }
}

const userEvent = contracts['ecommerce.UserEvent'].versions
const sales = contracts['bakery.SalesEvent'].schema
const before: EarlierVersion[] = [{ version: 1, schema: wide(5) }]
const next = wide(6)
const loads = {
  'UserEvent v2 against v1, FULL_TRANSITIVE': () =>
    checkCompatibility(userEvent[1]!.schema, userEvent.slice(0, 1), 'FULL_TRANSITIVE').compatible,
  'SalesEvent (nested) against itself, FULL': () =>
    checkCompatibility(sales, [{ version: 1, schema: sales }], 'FULL').compatible,
  '120 fields, recursive, with a change, BACKWARD': () => checkCompatibility(next, before, 'BACKWARD').compatible,
}

const seconds: Record<string, number> = {}
for (const [name, check] of Object.entries(loads)) {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    for (let i = 0; i < checks; i++) if (!check()) throw new Error(`${name} should be compatible`)
    times.push((performance.now() - start) / 1000)
  }
  seconds[name] = Number(times.sort((a, b) => a - b)[rounds >> 1]!.toFixed(3))
}

const result = {
  benchmark: `Seconds for ${checks} compatibility checks, parsing of all schemas included; median of ${rounds} rounds`,
  ...origin(),
  checks,
  rounds,
  seconds,
}
console.log(JSON.stringify(result, null, 2))
if (process.argv.includes('--write')) storeResult('compatibility', result)
