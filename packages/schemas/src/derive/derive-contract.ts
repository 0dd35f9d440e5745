import { createHash } from 'node:crypto'
import type { Contract, PartitionField, PiiClass, Rule } from '../contract.ts'
import { checkContract } from '../contracts/check.ts'
import { recordOf } from '../contracts/record.ts'
import { SchemaError } from '../errors.ts'
import { freezeDeep } from '../freeze.ts'
import { compileDerivation } from './compile-derivation.ts'
import { addedBy, planSteps } from './schema-steps.ts'
import type { DeriveStep } from './steps.ts'

export interface DeriveOptions {
  /** Event name of the derived contract; its name is `<domain>.<event>`. */
  readonly event: string
  /** Raised with every change of the steps. */
  readonly version: number
  readonly steps: readonly DeriveStep[]
  /** Default: that of the source. */
  readonly table?: string
  readonly description?: string
  /** All rules of the derived rows, checked after the last step. Default: those of the source. */
  readonly rules?: readonly Rule[]
  readonly partitionBy?: readonly PartitionField[]
  readonly latenessMs?: number
}

/** Ids of columns that steps add begin behind this one, in the order of the steps: append steps, do not reorder them. */
export const firstDerivedId = 500_000

/**
 * The contract of rows computed from those of `source`. It takes the place of `source` wherever a contract is asked for:
 * the decode stage decodes and checks records by `source`, takes the steps, and checks the rules given here; sinks see the
 * derived columns. Topic, key, id, event time and tombstones stay. A sink that wants the rows as they came takes `source`
 * as its table, as long as no step changes or drops a column of it.
 * @throws {SchemaError} CONTRACT_INVALID naming the step
 */
export function deriveContract(source: Contract, options: DeriveOptions): Contract {
  if (source.derived !== undefined) {
    throw new SchemaError('CONTRACT_INVALID', `${source.name} is derived already: put all steps into one derivation`)
  }
  const { event, version, steps } = options
  const name = `${source.domain}.${event}`
  const planned = planSteps(source, steps)
  const schema = { ...(planned.schema as object), name: event } as unknown as Contract['schema']
  const added = steps.flatMap((step) => addedBy(step) ?? [])
  const contract: Contract = {
    ...source,
    name,
    event,
    description: options.description ?? `${source.description}, with derived columns`,
    table: options.table ?? source.table,
    versions: [{ version, schema }],
    schema,
    latenessMs: options.latenessMs ?? source.latenessMs,
    partitionBy: options.partitionBy ?? source.partitionBy,
    rules: options.rules ?? source.rules,
    pii: piiOf(source, steps),
    fieldIds: { ...source.fieldIds, ...Object.fromEntries(added.map((as, i) => [as, firstDerivedId + 1 + i])) },
    derived: { from: source, id: `${name}@${version}#${fingerprint(steps)}`, steps },
  }
  checkContract(contract, recordOf(schema, name))
  compileDerivation(contract)
  return freezeDeep(contract)
}

/** The contract of what is on the topic: of a derived one its source, of any other itself. */
export function wireContract(contract: Contract): Contract {
  return contract.derived?.from ?? contract
}

/** Copies, bands and flags are as personal as what they are made from. */
function piiOf(source: Contract, steps: readonly DeriveStep[]): Record<string, PiiClass> {
  const pii: Record<string, PiiClass> = { ...source.pii }
  for (const step of steps) {
    if (step.op === 'drop') {
      for (const path of Object.keys(pii)) {
        if (path === step.field || path.startsWith(`${step.field}.`)) delete pii[path]
      }
      continue
    }
    const from = step.op === 'flag' ? step.when.field : 'from' in step ? step.from : undefined
    const found = from === undefined ? undefined : pii[from]
    if (found !== undefined && 'as' in step) pii[step.as] = found
  }
  return pii
}

function fingerprint(steps: readonly DeriveStep[]): string {
  return createHash('sha256').update(JSON.stringify(steps)).digest('hex').slice(0, 8)
}
