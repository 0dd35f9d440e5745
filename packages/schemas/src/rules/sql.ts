import type { DataType } from '@sluice/columnar'
import { recordToSchema } from '../avro/columns.ts'
import type { AvroNode, RecordNode } from '../avro/model.ts'
import type { Contract, Rule } from '../contract.ts'
import { findField, type FieldPath } from '../contracts/field-path.ts'
import { recordOf } from '../contracts/record.ts'
import { postgresType, quoteIdentifier, quoteText } from '../generate/postgres.ts'
import { plainNumber } from './bounds.ts'

export type SqlDialect = 'duckdb' | 'postgres'

/** A value in SQL and its column type. */
interface Value {
  readonly sql: string
  readonly type: DataType
}

/**
 * A rule as a boolean SQL expression over the columns of the contract's table: true when the row holds, never null.
 * In PostgreSQL, records, lists and maps are `jsonb` as `postgresDdl` makes them.
 */
export function ruleSql(contract: Contract, rule: Rule, dialect: SqlDialect): string {
  const record = recordOf(contract.schema, contract.name)
  const at = (path: string): FieldPath => findField(record, path)!
  const target = at(rule.field)
  const other = rule.notBefore === undefined ? undefined : valueOf(at(rule.notBefore), dialect)
  const holds =
    target.list === undefined
      ? checkSql(rule, valueOf(target, dialect), other, dialect)
      : everyItemSql(rule, record, target, dialect)
  const conditions = Object.entries(rule.when ?? {}).map(([path, values]) => {
    const condition = valueOf(at(path), dialect)
    return `coalesce(${condition.sql} IN (${values.map(quoteText).join(', ')}), FALSE)`
  })
  return conditions.length === 0 ? holds : `(NOT (${conditions.join(' AND ')}) OR ${holds})`
}

function typeOf(node: AvroNode): DataType {
  const wrapper: RecordNode = {
    kind: 'record',
    name: 'wrapper',
    aliases: [],
    fields: [{ name: 'value', aliases: [], type: node, hasDefault: false }],
  }
  return recordToSchema(wrapper).fields[0]!.type
}

function valueOf(path: FieldPath, dialect: SqlDialect): Value {
  const type = typeOf(path.node)
  const [head, ...inner] = path.names
  return { sql: memberSql(quoteIdentifier(head!), inner, type, dialect), type }
}

/** A member of a struct (DuckDB) or of a jsonb document (PostgreSQL), as its column type. */
function memberSql(base: string, names: readonly string[], type: DataType, dialect: SqlDialect): string {
  if (dialect === 'duckdb') {
    const member = names.reduce((sql, name) => `struct_extract(${sql}, ${quoteText(name)})`, base)
    return type.kind === 'enum' ? `CAST(${member} AS VARCHAR)` : member
  }
  if (names.length === 0) return base
  const steps = names.slice(0, -1).map((name) => ` -> ${quoteText(name)}`)
  return jsonAs(`(${base}${steps.join('')}`, `${quoteText(names.at(-1)!)})`, type)
}

function jsonAs(before: string, last: string, type: DataType): string {
  if (['list', 'map', 'struct'].includes(type.kind)) return `nullif(${before} -> ${last}, 'null'::jsonb)`
  return `${before} ->> ${last}::${postgresType(type)}`
}

function everyItemSql(rule: Rule, record: RecordNode, target: FieldPath, dialect: SqlDialect): string {
  const list = findField(record, target.names.slice(0, target.list).join('.'))!
  const names = target.names.slice(target.list)
  const type = typeOf(target.node)
  const source = valueOf(list, dialect).sql
  if (dialect === 'duckdb') {
    const check = checkSql(rule, { sql: memberSql('item', names, type, dialect), type }, undefined, dialect)
    return `(coalesce(len(list_filter(${source}, lambda item: NOT ${check})), 0) = 0)`
  }
  const item =
    names.length === 0 ? `(item.value #>> '{}')::${postgresType(type)}` : memberSql('item.value', names, type, dialect)
  const check = checkSql(rule, { sql: item, type }, undefined, dialect)
  return `(NOT EXISTS (SELECT 1 FROM jsonb_array_elements(coalesce(${source}, '[]'::jsonb)) AS item(value) WHERE NOT ${check}))`
}

function checkSql(rule: Rule, value: Value, other: Value | undefined, dialect: SqlDialect): string {
  const { sql, type } = value
  const parts: string[] = []
  const isFloat = type.kind === 'float32' || type.kind === 'float64'
  const notNan = (of: string): string => (dialect === 'duckdb' ? `NOT isnan(${of})` : `${of} <> 'NaN'`)
  const bounded = rule.min !== undefined || rule.max !== undefined || rule.exclusiveMin !== undefined
  if (isFloat && (bounded || other !== undefined)) parts.push(notNan(sql))
  // A decimal literal would make DuckDB compare a double as a decimal, rounded.
  const bound = (value: number): string =>
    isFloat
      ? `CAST(${plainNumber(value)} AS ${dialect === 'duckdb' ? 'DOUBLE' : 'double precision'})`
      : plainNumber(value)
  if (rule.min !== undefined) parts.push(`${sql} >= ${bound(rule.min)}`)
  if (rule.exclusiveMin !== undefined) parts.push(`${sql} > ${bound(rule.exclusiveMin)}`)
  if (rule.max !== undefined) parts.push(`${sql} <= ${bound(rule.max)}`)
  if (rule.oneOf !== undefined) parts.push(`${sql} IN (${rule.oneOf.map(quoteText).join(', ')})`)
  if (rule.pattern !== undefined) {
    const pattern = quoteText(rule.pattern)
    parts.push(dialect === 'duckdb' ? `regexp_matches(${sql}, ${pattern})` : `${sql} ~ ${pattern}`)
  }
  if (rule.minLength !== undefined) parts.push(`${lengthSql(value, dialect)} >= ${rule.minLength}`)
  if (rule.maxLength !== undefined) parts.push(`${lengthSql(value, dialect)} <= ${rule.maxLength}`)
  if (other !== undefined) {
    if (isFloat) parts.push(`coalesce(${notNan(other.sql)}, TRUE)`)
    parts.push(`coalesce(${sql} >= ${other.sql}, TRUE)`)
  }
  const present = rule.required === true ? [`${sql} IS NOT NULL`] : []
  const checks = parts.length === 0 ? [] : [`(${sql} IS NULL OR (${parts.join(' AND ')}))`]
  return `(${[...present, ...checks].join(' AND ')})`
}

function lengthSql({ sql, type }: Value, dialect: SqlDialect): string {
  switch (type.kind) {
    case 'list':
      return dialect === 'duckdb' ? `len(${sql})` : `jsonb_array_length(${sql})`
    case 'map':
      return dialect === 'duckdb' ? `cardinality(${sql})` : `(SELECT count(*) FROM jsonb_object_keys(${sql}))`
    case 'binary':
      return `octet_length(${sql})`
    default:
      return dialect === 'duckdb' ? `length(${sql})` : `char_length(${sql})`
  }
}
