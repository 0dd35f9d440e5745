import { avroToSchema, takeRows, type Column, type ColumnBatch, type Field } from '@sluice/columnar'
import type { Contract } from '../contract.ts'
import { arrowSchemaOf } from '../contracts/columns.ts'
import { compileRules } from '../rules/column-rules.ts'
import type { RuleViolation } from '../rules/column-rules.ts'
import { compileStep, type Verdicts } from './column-steps.ts'
import { planSteps } from './schema-steps.ts'
import { deriveCodes } from './steps.ts'

/** What a derivation made of a batch; rows are in order, and each given row has exactly one outcome. */
export interface DerivedBatch {
  readonly batch: ColumnBatch
  /** Row numbers of the given batch that the rows stem from, ascending; absent when all stayed. */
  readonly rows?: Int32Array
  /** Rows refused by a step or a rule of the derived contract, ascending. */
  readonly rejects: readonly Omit<RuleViolation, 'rule'>[]
  /** Row numbers left out by a `keep` step, ascending. */
  readonly filtered: Int32Array
}

export type Derive = (batch: ColumnBatch) => DerivedBatch

const passes: Derive = (batch) => ({ batch, rejects: [], filtered: new Int32Array(0) })

/**
 * Compiles the steps of a derived contract to a function of batches of its source: passes over typed arrays, no object per
 * row, and the same result however the rows are batched. For any other contract nothing changes.
 */
export function compileDerivation(contract: Contract): Derive {
  const { derived } = contract
  if (derived === undefined) return passes
  const { from, steps } = derived
  const source = avroToSchema(from.schema as object).fields
  const compiled = planSteps(from, steps).plans.map(({ step, before }) => compileStep(from, before, step))
  const schema = arrowSchemaOf(contract)
  const brokenRules = compileRules(contract)

  function columnsOf(batch: ColumnBatch): Column[] {
    return source.map(({ name }) => {
      const at = batch.schema.fields.findIndex((field: Field) => field.name === name)
      const column = batch.columns[at]
      if (column === undefined) throw new TypeError(`the batch has no column ${name}: it is not of ${from.name}`)
      return column
    })
  }

  return (given) => {
    const { length } = given
    const verdicts: Verdicts = { filtered: new Uint8Array(length), overflow: new Map() }
    let columns = columnsOf(given)
    for (const step of compiled) columns = step(columns, length, verdicts)
    const whole: ColumnBatch = { schema, length, columns }
    const { filtered, overflow } = verdicts
    const broken = new Map(brokenRules(whole).map((violation) => [violation.row, violation]))
    const rejects: Omit<RuleViolation, 'rule'>[] = []
    const kept = new Int32Array(length)
    const out: number[] = []
    let rows = 0
    for (let row = 0; row < length; row++) {
      const path = overflow.get(row)
      const violation = broken.get(row)
      if (filtered[row] === 1) out.push(row)
      else if (path !== undefined) {
        rejects.push({ row, code: 'derive_overflow', path, expected: deriveCodes.derive_overflow })
      } else if (violation !== undefined) {
        const { code, path: about, expected } = violation
        rejects.push({ row, code, path: about, expected })
      } else kept[rows++] = row
    }
    if (rows === length) return { batch: whole, rejects, filtered: new Int32Array(0) }
    const taken = kept.slice(0, rows)
    return { batch: takeRows(whole, taken), rows: taken, rejects, filtered: Int32Array.from(out) }
  }
}
