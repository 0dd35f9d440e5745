import type { AvroNode, RecordNode } from '../avro/model.ts'
import type { Contract, Rule } from '../contract.ts'
import { SchemaError } from '../errors.ts'
import { isNumeric, isTemporal, isText, sameType } from '../rules/kinds.ts'
import { isPortablePattern } from '../rules/pattern.ts'
import { findField, logicalOf, withoutNull, type FieldPath } from './field-path.ts'

/** PostgreSQL shortens longer identifiers silently; a contract may not rely on that (RELIABILITY input 14). */
const maxNameBytes = 63

/**
 * Everything a contract says must hold against its schema: fields exist, rules fit their types, names stay apart after
 * case folding.
 * @throws {SchemaError} CONTRACT_INVALID or SCHEMA_NAMES_CLASH with contract and path
 */
export function checkContract(contract: Contract, record: RecordNode): void {
  const wrong = (path: string, message: string): SchemaError =>
    new SchemaError('CONTRACT_INVALID', `${contract.name}, ${path}: ${message}`, { path, expected: message })
  const field = (path: string, about: string): FieldPath => {
    const found = findField(record, path)
    if (found === undefined) throw wrong(about, `the schema has no field ${path}`)
    return found
  }

  checkNames(record, contract.name, '', new Set())
  for (const name of contract.key) {
    const { node, nullable } = field(name, 'key')
    if (nullable || node.kind === 'record' || node.kind === 'array' || node.kind === 'map') {
      throw wrong('key', `${name} must be a plain field that is never null`)
    }
  }
  if (contract.id !== undefined && field(contract.id, 'id').nullable) throw wrong('id', 'must never be null')
  if (field(contract.eventTime, 'eventTime').nullable) throw wrong('eventTime', 'must never be null')
  for (const part of contract.partitionBy) {
    const found = field(part.field, 'partitionBy')
    if (part.transform !== 'value' && part.field !== contract.eventTime && !isTemporal(found.node)) {
      throw wrong('partitionBy', `${part.field} must be a date or timestamp to take its ${part.transform}`)
    }
  }
  for (const path of Object.keys(contract.pii)) field(path, 'pii')
  const names = new Set<string>()
  for (const rule of contract.rules) {
    if (names.has(rule.name)) throw wrong('rules', `two rules are named ${rule.name}`)
    names.add(rule.name)
    checkRule(rule, field, (message) => wrong(`rules.${rule.name}`, message))
  }
}

function checkRule(
  rule: Rule,
  field: (path: string, about: string) => FieldPath,
  wrong: (message: string) => SchemaError,
): void {
  const about = `rules.${rule.name}`
  const target = field(rule.field, about)
  const { node } = target
  const bounds = [rule.min, rule.max, rule.exclusiveMin].filter((bound) => bound !== undefined)
  if (bounds.length > 0 && !isNumeric(node)) throw wrong('bounds are for numbers and decimals')
  if (bounds.some((bound) => !Number.isFinite(bound) || Math.abs(bound) > Number.MAX_SAFE_INTEGER)) {
    throw wrong('a bound is a number that a double holds exactly')
  }
  if (rule.oneOf !== undefined && !isText(node)) throw wrong('oneOf is for strings and enums')
  checkSymbols(node, rule.oneOf ?? [], wrong)
  if (rule.pattern !== undefined) {
    if (node.kind !== 'string' || node.logical !== undefined) throw wrong('pattern is for strings')
    if (!isPortablePattern(rule.pattern)) throw wrong('pattern must read alike in JavaScript, RE2 and PostgreSQL')
  }
  if (rule.minLength !== undefined || rule.maxLength !== undefined) {
    const kinds = ['string', 'bytes', 'array', 'map']
    if (!kinds.includes(node.kind) || logicalOf(node) !== undefined)
      throw wrong('lengths are for strings, bytes, lists and maps')
  }
  if (rule.notBefore !== undefined) {
    const other = field(rule.notBefore, about)
    if (!sameType(node, other.node) || !(isNumeric(node) || isTemporal(node))) {
      throw wrong('notBefore compares two numbers, decimals, dates or timestamps of one type')
    }
    if (target.list !== undefined || other.list !== undefined) throw wrong('notBefore does not reach into lists')
  }
  for (const [path, values] of Object.entries(rule.when ?? {})) {
    const condition = field(path, about)
    if (condition.list !== undefined || !isText(condition.node))
      throw wrong('when looks at strings and enums outside of lists')
    checkSymbols(condition.node, values, wrong)
  }
  const parts = Object.keys(rule).filter((key) => !['name', 'field', 'when'].includes(key))
  if (parts.length === 0) throw wrong('a rule must check something')
}

function checkSymbols(node: AvroNode, values: readonly string[], wrong: (message: string) => SchemaError): void {
  if (node.kind !== 'enum') return
  for (const value of values) if (!node.symbols.includes(value)) throw wrong(`${value} is not a symbol of the enum`)
}

/** Names of one level that fold to the same identifier would be one column in SQL (RELIABILITY input 13). */
function checkNames(node: AvroNode, contract: string, path: string, around: ReadonlySet<AvroNode>): void {
  if (node.kind === 'union') {
    if (withoutNull(node) === undefined) {
      const message = 'a union in a contract is of one type and null'
      throw new SchemaError('CONTRACT_INVALID', `${contract}, ${path}: ${message}`, { path, expected: message })
    }
    for (const branch of node.branches) checkNames(branch, contract, path, around)
  }
  if (node.kind === 'array') checkNames(node.items, contract, path, around)
  if (node.kind === 'map') checkNames(node.values, contract, path, around)
  if (node.kind !== 'record') return
  if (around.has(node)) {
    const message = 'a record in a contract does not contain itself'
    throw new SchemaError('CONTRACT_INVALID', `${contract}, ${path}: ${message}`, { path, expected: message })
  }
  const folded = new Map<string, string>()
  for (const { name, type } of node.fields) {
    const at = path === '' ? name : `${path}.${name}`
    const other = folded.get(name.toLowerCase())
    if (other !== undefined) {
      const text = `${contract}: the fields ${other} and ${name} differ only by case`
      throw new SchemaError('SCHEMA_NAMES_CLASH', text, { path: at })
    }
    if (Buffer.byteLength(name) > maxNameBytes || name.startsWith('_')) {
      const message = `a field name has at most ${maxNameBytes} bytes and no leading underscore`
      throw new SchemaError('CONTRACT_INVALID', `${contract}, ${at}: ${message}`, { path: at, expected: message })
    }
    folded.set(name.toLowerCase(), name)
    checkNames(type, contract, at, new Set([...around, node]))
  }
}

/** Contracts of one house must stay apart, too: names, tables, and topics up to `.` and `_` (RELIABILITY input 41). */
export function checkTogether(contracts: readonly Contract[]): void {
  const kinds: readonly [string, (contract: Contract) => string][] = [
    ['topic', (contract) => contract.topic.replaceAll('.', '_')],
    ['table', (contract) => `${contract.domain}.${contract.table}`],
    ['event name', (contract) => contract.event.toLowerCase()],
  ]
  for (const [kind, of] of kinds) {
    const seen = new Map<string, Contract>()
    for (const contract of contracts) {
      const other = seen.get(of(contract))
      if (other !== undefined) {
        throw new SchemaError('SCHEMA_NAMES_CLASH', `${other.name} and ${contract.name} have the same ${kind}`)
      }
      seen.set(of(contract), contract)
    }
  }
}
