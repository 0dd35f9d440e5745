import type { AvroNode, Rule } from '@sluice/schemas'
import type { Row } from './domain.ts'
import type { Random } from './prng.ts'
import { brokenRules } from './rule-check.ts'
import { decimalScale, isNullable, presentBranch, type SchemaField } from './schema-fields.ts'
import { decimal } from './values.ts'

/** A place in a row: the object or list that holds the value, and its key there. */
interface Place {
  readonly holder: Record<string | number, unknown>
  readonly key: string | number
  readonly node: AvroNode
  /** The innermost record around the value that can be null as a whole. */
  readonly around: Omit<Place, 'around'> | undefined
}

/** Finds the value at a rule's path; of a list, a random item. `undefined` when the way there is null or empty. */
function findPlace(row: Row, fields: readonly SchemaField[], path: string, random: Random): Place | undefined {
  let place: Place | undefined
  let holder: Row = row
  let level = fields
  let around: Place['around']
  for (const part of path.split('.')) {
    const name = part.endsWith('[]') ? part.slice(0, -2) : part
    const field = level.find((each) => each.name === name)
    if (field === undefined) return undefined
    place = { holder, key: name, node: field.type, around }
    let node = presentBranch(field.type)
    if (part.endsWith('[]')) {
      const list = holder[name] as unknown[] | null
      if (list === null || list.length === 0 || node.kind !== 'array') return undefined
      const at = random.int(list.length)
      place = { holder: list as unknown as Record<number, unknown>, key: at, node: node.items, around }
      node = presentBranch(node.items)
    }
    if (node.kind === 'record') {
      if (isNullable(place.node)) around = place
      level = node.fields
      holder = (place.holder[place.key] ?? {}) as Row
    }
  }
  return place
}

/** A number in the spelling of a node, one step (of its smallest unit) towards `step` from `base`. */
function numberOf(node: AvroNode, base: number, step: -1 | 0 | 1): unknown {
  switch (node.kind) {
    case 'long':
      return BigInt(Math.floor(base) + step)
    case 'int':
      return Math.floor(base) + step
    case 'bytes':
    case 'fixed': {
      const scale = decimalScale(node)
      if (scale === undefined) throw new TypeError('rule: bounds of bytes that are no decimal')
      const unscaled = Math.round(base * 10 ** scale) + step
      return (unscaled < 0 ? '-' : '') + decimal(Math.abs(unscaled), scale)
    }
    case 'string':
      return String(base + step)
    default:
      return base + step * 0.5
  }
}

/** Values that break the parts of a rule, for the place it is about. */
function breakingValues(rule: Rule, place: Place, row: Row): unknown[] {
  const node = presentBranch(place.node)
  const values: unknown[] = []
  if (rule.required === true && isNullable(place.node)) values.push(null)
  if (rule.min !== undefined) values.push(numberOf(node, rule.min, -1))
  if (rule.max !== undefined) values.push(numberOf(node, rule.max, 1))
  if (rule.exclusiveMin !== undefined) values.push(numberOf(node, rule.exclusiveMin, 0))
  if (rule.minLength !== undefined && rule.minLength > 0) values.push(node.kind === 'array' ? [] : '')
  if (rule.maxLength !== undefined && node.kind === 'string') values.push('x'.repeat(rule.maxLength + 1))
  if (rule.pattern !== undefined) values.push('not in this format')
  if (rule.oneOf !== undefined && node.kind === 'string') values.push('none_of_these')
  if (rule.notBefore !== undefined) {
    const name = rule.notBefore.split('.').at(-1)!
    const other = place.holder[name] ?? row[name]
    if (other !== null && other !== undefined) values.push(numberOf(node, Number(other), -1))
  }
  return values
}

/**
 * A copy of `row` that breaks `rule` and no other rule of the contract, or `undefined` when this row cannot.
 * Rules that apply only `when` a field has a value get that value first.
 */
export function breakRule(
  row: Row,
  rule: Rule,
  rules: readonly Rule[],
  fields: readonly SchemaField[],
  random: Random,
): Row | undefined {
  const base = structuredClone(row)
  for (const [path, allowed] of Object.entries(rule.when ?? {})) {
    const place = findPlace(base, fields, path, random)
    if (place === undefined) return undefined
    if (!allowed.includes(String(place.holder[place.key]))) place.holder[place.key] = random.pick(allowed)
  }
  const place = findPlace(base, fields, rule.field, random)
  if (place === undefined) return undefined
  const candidates = breakingValues(rule, place, base)
  if (candidates.length > 0) place.holder[place.key] = random.pick(candidates)
  else if (rule.required === true && place.around !== undefined) place.around.holder[place.around.key] = null
  else return undefined
  const broken = brokenRules(base, rules)
  return broken.length === 1 && broken[0] === rule.name ? base : undefined
}
