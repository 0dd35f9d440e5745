import type { Contract, Rule } from '../contract.ts'

/** A row that breaks a rule. `code` is what the dead letter carries. */
export interface BrokenRule {
  readonly rule: string
  /** `rule_<name>` */
  readonly code: string
  /** Path of the field the rule is about. */
  readonly path: string
  /** What the rule asks for; never contents of the row. */
  readonly expected: string
}

/** The part of a broken rule that does not depend on the row. */
export function brokenRule(rule: Rule): BrokenRule {
  return Object.freeze({ rule: rule.name, code: `rule_${rule.name}`, path: rule.field, expected: describeRule(rule) })
}

/** What a rule asks for, in words: `more than 0 and at most 100, when kind is PERCENT_OFF`. */
export function describeRule(rule: Rule): string {
  const parts: string[] = []
  if (rule.required === true) parts.push('present')
  if (rule.min !== undefined) parts.push(`at least ${rule.min}`)
  if (rule.exclusiveMin !== undefined) parts.push(`more than ${rule.exclusiveMin}`)
  if (rule.max !== undefined) parts.push(`at most ${rule.max}`)
  if (rule.minLength !== undefined) parts.push(`of length ${rule.minLength} or more`)
  if (rule.maxLength !== undefined) parts.push(`of length ${rule.maxLength} or less`)
  if (rule.oneOf !== undefined) parts.push(`one of ${rule.oneOf.join(', ')}`)
  if (rule.pattern !== undefined) parts.push(`text matching ${rule.pattern}`)
  if (rule.notBefore !== undefined) parts.push(`not before ${rule.notBefore}`)
  const conditions = Object.entries(rule.when ?? {}).map(([field, values]) => `${field} is ${values.join(' or ')}`)
  return `${parts.join(' and ')}${conditions.length === 0 ? '' : `, when ${conditions.join(' and ')}`}`
}

/** Codes that the rules of a contract can give, in the order of the rules. */
export function ruleCodes(contract: Contract): string[] {
  return contract.rules.map((rule) => `rule_${rule.name}`)
}
