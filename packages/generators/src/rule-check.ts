import type { Rule } from '@sluice/schemas'
import type { Row } from './domain.ts'

/**
 * The rules of a contract, judged from its text alone: no code is shared with the pipeline, so both can be wrong only
 * in different ways. Values at `a.b` or `a[].b`; a null on the way is null, an empty list has no values.
 */
function valuesAt(row: Row, path: string): unknown[] {
  let values: unknown[] = [row]
  for (const part of path.split('.')) {
    const name = part.endsWith('[]') ? part.slice(0, -2) : part
    values = values.map((value) => (value === null ? null : ((value as Row)[name] ?? null)))
    if (part.endsWith('[]')) values = values.flatMap((value) => (value === null ? [] : (value as unknown[])))
  }
  return values
}

/** Numbers, longs and decimals as numbers; amounts and times of simulated rows are exact in a double. */
function magnitude(value: unknown): number {
  return Number(value)
}

function lengthOf(value: unknown): number | undefined {
  if (typeof value === 'string') return [...value].length
  return Array.isArray(value) ? value.length : undefined
}

function breaks(value: unknown, rule: Rule, row: Row): boolean {
  if (value === null) return rule.required === true
  if (rule.oneOf !== undefined && !rule.oneOf.includes(String(value))) return true
  if (rule.min !== undefined && !(magnitude(value) >= rule.min)) return true
  if (rule.max !== undefined && !(magnitude(value) <= rule.max)) return true
  if (rule.exclusiveMin !== undefined && !(magnitude(value) > rule.exclusiveMin)) return true
  if (rule.notBefore !== undefined) {
    const [other] = valuesAt(row, rule.notBefore)
    if (other !== null && magnitude(value) < magnitude(other)) return true
  }
  const length = lengthOf(value)
  if (length !== undefined && (length < (rule.minLength ?? 0) || length > (rule.maxLength ?? Infinity))) return true
  return rule.pattern !== undefined && typeof value === 'string' && !new RegExp(rule.pattern).test(value)
}

/** True when `row` breaks `rule`. */
export function breaksRule(row: Row, rule: Rule): boolean {
  for (const [field, allowed] of Object.entries(rule.when ?? {})) {
    const [value] = valuesAt(row, field)
    if (value === null || !allowed.includes(String(value))) return false
  }
  return valuesAt(row, rule.field).some((value) => breaks(value, rule, row))
}

/** Names of the rules that a row breaks, in contract order. */
export function brokenRules(row: Row, rules: readonly Rule[]): string[] {
  return rules.filter((rule) => breaksRule(row, rule)).map((rule) => rule.name)
}
