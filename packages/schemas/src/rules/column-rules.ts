import type { Column, ColumnBatch, Field } from '@sluice/columnar'
import type { Contract, Rule } from '../contract.ts'
import { findField, type FieldPath } from '../contracts/field-path.ts'
import { recordOf } from '../contracts/record.ts'
import { brokenRule, type BrokenRule } from './describe.ts'
import { markBefore, marksOf, type Mark } from './marks.ts'

/** A row of a batch that breaks a rule: the first one in the contract's order. */
export interface RuleViolation extends BrokenRule {
  readonly row: number
}

interface CompiledRule {
  readonly rule: Rule
  readonly broken: BrokenRule
  readonly target: FieldPath
  readonly other: FieldPath | undefined
  readonly conditions: readonly { readonly path: FieldPath; readonly values: readonly string[] }[]
  readonly marks: readonly Mark[]
}

/** A column and the validity bitmaps of itself and of the records around it. */
interface Located {
  readonly column: Column
  readonly bitmaps: readonly Uint8Array[]
}

/**
 * Compiles the rules of a contract to a check of whole batches: one pass per rule over typed arrays, no object per row.
 * The batch may have further columns (lineage); those of the contract are found by name.
 * @returns violations in row order, at most one per row; empty when all rows hold
 */
export function compileRules(contract: Contract): (batch: ColumnBatch) => RuleViolation[] {
  const record = recordOf(contract.schema, contract.name)
  const at = (path: string): FieldPath => findField(record, path)!
  const rules: CompiledRule[] = contract.rules.map((rule) => ({
    rule,
    broken: brokenRule(rule),
    target: at(rule.field),
    other: rule.notBefore === undefined ? undefined : at(rule.notBefore),
    conditions: Object.entries(rule.when ?? {}).map(([path, values]) => ({ path: at(path), values })),
    marks: marksOf(rule),
  }))
  let firsts = new Int32Array()
  return (batch) => {
    if (firsts.length < batch.length) firsts = new Int32Array(batch.length + (batch.length >> 1))
    const first = firsts.subarray(0, batch.length).fill(-1)
    let found = 0
    rules.forEach((rule, number) => {
      found += applyRule(rule, batch, first, number)
    })
    const violations: RuleViolation[] = []
    for (let row = 0; violations.length < found; row++) {
      if (first[row]! >= 0) violations.push({ row, ...rules[first[row]!]!.broken })
    }
    return violations
  }
}

/** Enters `number` for the rows that break the rule and no earlier one; returns how many. */
function applyRule(compiled: CompiledRule, batch: ColumnBatch, first: Int32Array, number: number): number {
  const { rule, target } = compiled
  const outer = locate(batch.schema.fields, batch.columns, target.names.slice(0, target.list))
  const list = target.list === undefined ? undefined : outer.column
  const inner = list === undefined ? outer : locateItem(list, target.names.slice(target.list))
  const bad = zeros(inner.column.length)
  let marked = 0
  for (const mark of compiled.marks) marked += mark(inner.column, bad)
  const bitmaps = [...inner.bitmaps]
  if (compiled.other !== undefined) {
    const other = locate(batch.schema.fields, batch.columns, compiled.other.names)
    const before = new Uint8Array(bad.length)
    if (markBefore(inner.column, other.column, before) > 0) {
      for (let i = 0; i < before.length; i++) if (before[i] === 1 && isPresent(other.bitmaps, i)) bad[i] = 1
      marked++
    }
  }
  const required = rule.required === true && bitmaps.length > 0
  if (marked === 0 && !required) return 0
  for (let i = 0; i < bad.length; i++) {
    if (bad[i] === 1 || required) bad[i] = isPresent(bitmaps, i) ? bad[i]! : required ? 1 : 0
  }

  let applies: Uint8Array | undefined
  let found = 0
  for (let row = 0; row < batch.length; row++) {
    if (first[row]! >= 0) continue
    if (list === undefined) {
      if (bad[row] === 0) continue
    } else if (!anyBad(bad, list.offsets![row]!, list.offsets![row + 1]!)) {
      continue
    }
    applies ??= conditionMask(compiled, batch)
    if (applies[row] === 0) continue
    first[row] = number
    found++
  }
  return found
}

let scratch = new Uint8Array()

/** `length` zeros, until the next call. */
function zeros(length: number): Uint8Array {
  if (scratch.length < length) scratch = new Uint8Array(length + (length >> 1))
  return scratch.subarray(0, length).fill(0)
}

function anyBad(bad: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bad[i] === 1) return true
  return false
}

/** 1 for the rows to which every condition of the rule applies. */
function conditionMask(compiled: CompiledRule, batch: ColumnBatch): Uint8Array {
  const mask = new Uint8Array(batch.length).fill(1)
  for (const { path, values } of compiled.conditions) {
    const { column, bitmaps } = locate(batch.schema.fields, batch.columns, path.names)
    const outside = new Uint8Array(batch.length)
    for (const mark of marksOf({ name: 'when', field: path.path, oneOf: values })) mark(column, outside)
    for (let row = 0; row < mask.length; row++) if (outside[row] === 1 || !isPresent(bitmaps, row)) mask[row] = 0
  }
  return mask
}

function isPresent(bitmaps: readonly Uint8Array[], row: number): boolean {
  for (const bitmap of bitmaps) if ((bitmap[row >> 3]! & (1 << (row & 7))) === 0) return false
  return true
}

function locate(fields: readonly Field[], columns: readonly Column[], names: readonly string[]): Located {
  const bitmaps: Uint8Array[] = []
  let level = fields
  let children = columns
  let column: Column | undefined
  for (const name of names) {
    const index = level.findIndex((field) => field.name === name)
    column = children[index]
    if (column === undefined)
      throw new TypeError(`the batch has no column ${names.join('.')}: it is not of this contract`)
    if (column.validity !== undefined) bitmaps.push(column.validity)
    level = column.type.kind === 'struct' ? column.type.fields : []
    children = column.children ?? []
  }
  return { column: column!, bitmaps }
}

function locateItem(list: Column, names: readonly string[]): Located {
  const item = list.children![0]!
  const own = item.validity === undefined ? [] : [item.validity]
  if (names.length === 0) return { column: item, bitmaps: own }
  const fields = item.type.kind === 'struct' ? item.type.fields : []
  const inner = locate(fields, item.children ?? [], names)
  return { column: inner.column, bitmaps: [...own, ...inner.bitmaps] }
}
