import type { Mutant } from './mutant.ts'

const marks = 'schemas/src/rules/marks.ts'
const rules = 'schemas/src/rules/column-rules.ts'

const without = (
  name: string,
  file: string,
  find: string,
  replace: string,
  feeds: readonly string[],
  guards: readonly string[] = ['rule_'],
): Mutant => ({ name: `rule: ${name}`, edits: [{ file, find, replace }], feeds, guards })

/** Every kind of rule, and what makes a rule apply. */
export const ruleMutants: readonly Mutant[] = [
  without('max', marks, 'const high = max ?? Infinity', 'const high = max === undefined ? Infinity : Infinity', [
    'bakery.equipment_metrics',
  ]),
  without('min', marks, 'const low = Math.max(min ?? -Infinity,', 'const low = Math.max(-Infinity,', [
    'bakery.equipment_metrics',
    'ecommerce-events',
    'telco.customers',
  ]),
  without('exclusiveMin', marks, 'exclusiveMin === undefined ? -Infinity : nextAbove(exclusiveMin)', '-Infinity', [
    'pharma.batch_status',
  ]),
  without(
    'bounds of decimals',
    marks,
    'if (compare128(values, 4 * i, words.low, 0) < 0 || compare128(values, 4 * i, words.high, 0) > 0) {',
    'if (compare128(values, 4 * i, values, 4 * i) !== 0) {',
    ['telco.customers'],
  ),
  without(
    'exclusiveMin of decimals',
    marks,
    'const above = decimalBound(rule.exclusiveMin, scale).floor + 1n',
    'const above = decimalBound(rule.exclusiveMin, scale).floor',
    ['events_raw'],
  ),
  without(
    'oneOf',
    marks,
    'if (!isAllowed(bytes, offsets[i]!, offsets[i + 1]!)) {',
    'if (allowed.size === 0 && !isAllowed(bytes, offsets[i]!, offsets[i + 1]!)) {',
    ['telco.customers', 'ecommerce-events', 'pharma.lab_results'],
  ),
  without(
    'pattern of fixed length',
    marks,
    'if (!matches(bytes, offsets[i]!',
    'if (false && !matches(bytes, offsets[i]!',
    ['pharma.batch_status', 'pharma.sensor_data'],
  ),
  without('pattern', marks, 'if (!regex.test(', 'if (false && !regex.test(', ['telco.customers']),
  without('minLength', marks, 'if (size < least || size > most) {', 'if (size > most) {', [
    'ecommerce-events',
    'events_raw',
  ]),
  without('maxLength', marks, 'if (size < least || size > most) {', 'if (size < least) {', [
    'bakery.customer_feedback',
  ]),
  without('notBefore', rules, 'if (markBefore(inner.column, other.column, before) > 0) {', 'if (before.length < 0) {', [
    'pharma.deviations',
    'events_raw',
  ]),
  without('notBefore of times', marks, 'if (order < 0) {', 'if (order < -Infinity) {', ['pharma.batch_status']),
  without('notBefore of numbers', marks, 'if (!(left[i]! >= right[i]!)) {', 'if (left[i] === undefined) {', [
    'pharma.lab_results',
  ]),
  without('required', rules, 'const required = rule.required === true', 'const required = rule.required === null', [
    'pharma.deviations',
    'events_raw',
  ]),
  without('items of a list', rules, 'if (bad[i] === 1) return true', 'if (bad[i] === 2) return true', [
    'bakery.sales_events',
  ]),
  without(
    'null is not judged',
    rules,
    'bad[i] = isPresent(bitmaps, i) ? bad[i]! : required ? 1 : 0',
    'bad[i] = isPresent(bitmaps, i) || !required ? bad[i]! : 1',
    ['telco.customers'],
    ['stored', 'late', 'rule_'],
  ),
  without(
    'conditions',
    rules,
    'if (applies[row] === 0) continue',
    'if (applies[row] === 2) continue',
    ['events_raw', 'pharma.batch_status'],
    ['stored', 'late', 'rule_'],
  ),
]
