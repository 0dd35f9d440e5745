import { describe, expect, test } from 'vitest'
import {
  createSimulation,
  faultCatalogue,
  faultNames,
  faultsOf,
  listFeeds,
  noFaults,
  type Feed,
  type FaultName,
  type SimulatedRecord,
} from '../src/index.ts'
import { createChecker, createColumnarCheck, createJsonChecker } from './checker.ts'

const maxRecordBytes = 64 * 1024

function records(feed: string, faults: Record<string, number>, count: number): SimulatedRecord[] {
  const simulation = createSimulation([feed], {
    seed: 'faults',
    count,
    faults,
    maxRecordBytes,
    scale: feed.startsWith('bakery.') ? 0.1 : 1,
  })
  const all: SimulatedRecord[] = []
  for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) all.push(...batch)
  return all
}

const feeds = listFeeds()

/** Faults that a feed cannot have: of the other encoding, of a second version, of enums. */
function impossible(feed: Feed): ReadonlySet<FaultName> {
  const { format, versions, name } = feed.contract
  const faults = new Set<FaultName>(['new_version'])
  if (versions.length === 1) faults.add('old_version')
  if (format === 'json') for (const fault of avroOnly) faults.add(fault)
  else for (const fault of jsonOnly) faults.add(fault)
  if (name === 'telco.Customer') faults.add('bad_enum')
  return faults
}
const avroOnly: readonly FaultName[] = [
  'bad_magic',
  'short_envelope',
  'unknown_schema_id',
  'foreign_schema_id',
  'incompatible_schema_id',
  'schema_header',
  'bad_value',
]
/** Codes of records that no decoder gets to see. */
const beforeDecoding = [
  'null_value',
  'record_too_large',
  'schema_not_allowed',
  'schema_incompatible',
  'schema_header_guid',
  'schema_header_invalid',
]
const jsonOnly: readonly FaultName[] = ['duplicate_key', 'bad_syntax', 'byte_order_mark']

describe.each(feeds.map((feed) => [feed.name, feed] as const))('%s', (name, feed) => {
  const isJson = feed.contract.format === 'json'
  const check = (isJson ? createJsonChecker : createChecker)(feed.contract, maxRecordBytes)
  const checkColumns = isJson ? undefined : createColumnarCheck(feed.contract)

  function expectTruth(record: SimulatedRecord): void {
    const found = check(record)
    const decided = beforeDecoding.includes(record.code ?? '')
    if (!decided && checkColumns !== undefined) {
      expect(checkColumns(record.value)).toBe(record.code?.startsWith('rule_') ? undefined : record.code)
    }
    if (record.expect === 'dead-letter') {
      expect(
        found,
        `${record.fault}: ${Buffer.from(record.value ?? [])
          .toString()
          .slice(0, 600)}`,
      ).toEqual({ code: record.code })
    } else {
      expect('code' in found ? found.code : undefined, `${record.fault}`).toBeUndefined()
      expect('rowHash' in found ? found.rowHash : '').toBe(record.rowHash)
      expect(record.code).toBeUndefined()
    }
  }

  test('without faults every row is accepted, and lands as it was made', () => {
    const clean = records(name, noFaults, 1500)
    expect(clean).toHaveLength(1500)
    for (const record of clean) {
      expect(record.expect).toBe('stored')
      expect(record.fault).toBeUndefined()
      expectTruth(record)
    }
  })

  test.each(faultNames)('%s has the outcome that the ledger says', (fault: FaultName) => {
    // Half of the records, so that others move the watermark.
    const share = fault === 'out_of_order' || fault === 'duplicate' ? 0.3 : 0.5
    const made = records(name, { [fault]: share }, fault === 'oversized' ? 40 : 400)
    const faulty = made.filter((record) => record.fault === fault)
    for (const record of made) expectTruth(record)
    expect(faultsOf(feed).includes(fault)).toBe(!impossible(feed).has(fault))
    if (impossible(feed).has(fault)) return expect(faulty).toHaveLength(0)
    expect(faulty.length).toBeGreaterThan(10)
    for (const record of faulty) {
      if (faultCatalogue[fault].bad) expect(record.expect).toBe('dead-letter')
      if (fault === 'late') expect(record.expect).toBe('stored')
      if (fault === 'too_late') expect(record.expect).toBe('late')
    }
  })

  test('every rule that a row can break is broken in turn', () => {
    const broken = new Set(records(name, { rule_break: 1 }, 6000).map((record) => record.code))
    const reachable = feed.contract.rules.map((rule) => `rule_${rule.name}`).filter((code) => broken.has(code))
    // A few rules need rows that are rare (a bundle promotion, a comment); the rest must all be hit.
    expect(reachable.length).toBeGreaterThanOrEqual(Math.ceil(feed.contract.rules.length * 0.8))
  })
})
