import { unscaledOf } from '../avro/decimal.ts'
import type { AvroNode } from '../avro/model.ts'
import type { Row, RowValue } from '../codec/row.ts'
import type { Contract, Rule } from '../contract.ts'
import { findField, logicalOf, type FieldPath } from '../contracts/field-path.ts'
import { recordOf } from '../contracts/record.ts'
import { decimalBound } from './bounds.ts'
import { brokenRule, type BrokenRule } from './describe.ts'
import { compilePattern } from './pattern.ts'

/**
 * Compiles the rules of a contract to a check of one row whose types are right.
 * @returns the first broken rule in the contract's order, or `undefined`
 */
export function compileRowRules(contract: Contract): (row: object) => BrokenRule | undefined {
  const record = recordOf(contract.schema, contract.name)
  const at = (path: string): FieldPath => findField(record, path)!
  const checks = contract.rules.map((rule) => ({ broken: brokenRule(rule), holds: compileRule(rule, at) }))
  return (row) => checks.find((check) => !check.holds(row as Row))?.broken
}

function compileRule(rule: Rule, at: (path: string) => FieldPath): (row: Row) => boolean {
  const target = at(rule.field)
  const test = compileTest(rule, target.node)
  const other = rule.notBefore === undefined ? undefined : at(rule.notBefore)
  const compare = comparison(target.node)
  const conditions = Object.entries(rule.when ?? {}).map(([path, values]) => ({
    at: at(path),
    values: new Set(values),
  }))
  const one = (value: RowValue | undefined, row: Row): boolean => {
    if (value === null || value === undefined) return rule.required !== true
    if (!test(value)) return false
    if (other === undefined) return true
    const reference = valueAt(row, other.names)
    return reference === null || reference === undefined || compare(value, reference)
  }
  return (row) => {
    for (const condition of conditions) {
      if (!condition.values.has(valueAt(row, condition.at.names) as string)) return true
    }
    if (target.list === undefined) return one(valueAt(row, target.names), row)
    const items = valueAt(row, target.names.slice(0, target.list))
    if (!Array.isArray(items)) return true
    const inner = target.names.slice(target.list)
    return items.every((item) => one(inner.length === 0 ? item : valueAt(item as Row | null, inner), row))
  }
}

function valueAt(row: Row | null, names: readonly string[]): RowValue | undefined {
  let value: RowValue | undefined = row
  for (const name of names) {
    if (value === null || value === undefined) return value
    value = (value as Row)[name]
  }
  return value
}

function compileTest(rule: Rule, node: AvroNode): (value: RowValue) => boolean {
  const tests: ((value: RowValue) => boolean)[] = []
  if (rule.min !== undefined || rule.max !== undefined || rule.exclusiveMin !== undefined)
    tests.push(bounds(rule, node))
  if (rule.oneOf !== undefined) {
    const values = new Set<RowValue>(rule.oneOf)
    tests.push((value) => values.has(value))
  }
  if (rule.pattern !== undefined) {
    const pattern = compilePattern(rule.pattern)
    tests.push((value) => pattern.test(value as string))
  }
  if (rule.minLength !== undefined || rule.maxLength !== undefined) {
    const least = rule.minLength ?? 0
    const most = rule.maxLength ?? Infinity
    tests.push((value) => {
      const length = lengthOf(value)
      return length >= least && length <= most
    })
  }
  return (value) => tests.every((test) => test(value))
}

function bounds(rule: Rule, node: AvroNode): (value: RowValue) => boolean {
  const { min = -Infinity, max = Infinity, exclusiveMin = -Infinity } = rule
  const logical = logicalOf(node)
  if (logical?.name !== 'decimal') {
    // `exclusiveMin` of minus infinity must not refuse minus infinity itself.
    const above = rule.exclusiveMin === undefined
    return (value) =>
      (value as number) >= min && (value as number) <= max && (above || (value as number) > exclusiveMin)
  }
  const { precision, scale } = logical
  const least = rule.min === undefined ? undefined : decimalBound(min, scale).ceil
  const most = rule.max === undefined ? undefined : decimalBound(max, scale).floor
  const over = rule.exclusiveMin === undefined ? undefined : decimalBound(exclusiveMin, scale).floor
  return (value) => {
    const unscaled = unscaledOf(value as string, precision, scale)
    return (
      unscaled !== undefined &&
      (least === undefined || unscaled >= least) &&
      (most === undefined || unscaled <= most) &&
      (over === undefined || unscaled > over)
    )
  }
}

function lengthOf(value: RowValue): number {
  if (typeof value === 'string') {
    let count = 0
    for (const _ of value) count++
    return count
  }
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length
  return Object.keys(value as Row).length
}

function comparison(node: AvroNode): (value: RowValue, reference: RowValue) => boolean {
  const logical = logicalOf(node)
  if (logical?.name !== 'decimal') return (value, reference) => (value as number) >= (reference as number)
  const unscaled = (value: RowValue): bigint => unscaledOf(value as string, Infinity, logical.scale) ?? 0n
  return (value, reference) => unscaled(value) >= unscaled(reference)
}
