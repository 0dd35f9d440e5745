import type { DataType, Schema } from '@sluice/columnar'
import type { Contract, Rule } from '../contract.ts'
import { arrowSchemaOf } from '../contracts/columns.ts'
import { postgresType, quoteIdentifier, quoteText } from '../generate/postgres.ts'
import { plainNumber } from './bounds.ts'

export type SqlDialect = 'duckdb' | 'postgres'

/** A value in SQL and its column type. */
interface Value {
  readonly sql: string
  readonly type: DataType
}

/** A place in the columns of a table: names from the row inwards; `list` of them lead to the list, if one is entered. */
interface ColumnPath {
  readonly names: readonly string[]
  readonly list: number | undefined
  readonly type: DataType
}

/**
 * A rule as a boolean SQL expression over the columns of the contract's table: true when the row holds, never null.
 * In PostgreSQL, records, lists and maps are `jsonb` as `postgresDdl` makes them.
 */
export function ruleSql(contract: Contract, rule: Rule, dialect: SqlDialect): string {
  const schema = arrowSchemaOf(contract)
  const value = (path: string): Value => valueOf(columnAt(schema, path), dialect)
  const target = columnAt(schema, rule.field)
  const holds =
    target.list === undefined
      ? checkSql(
          rule,
          valueOf(target, dialect),
          rule.notBefore === undefined ? undefined : value(rule.notBefore),
          dialect,
        )
      : everyItemSql(rule, target, dialect)
  const conditions = Object.entries(rule.when ?? {}).map(
    ([path, values]) => `coalesce(${value(path).sql} IN (${values.map(quoteText).join(', ')}), FALSE)`,
  )
  return conditions.length === 0 ? holds : `(NOT (${conditions.join(' AND ')}) OR ${holds})`
}

function columnAt(schema: Schema, path: string): ColumnPath {
  const names: string[] = []
  let fields = schema.fields
  let list: number | undefined
  let type: DataType | undefined
  for (const segment of path.split('.')) {
    const name = segment.replace('[]', '')
    names.push(name)
    type = fields.find((field) => field.name === name)?.type
    if (name !== segment && type?.kind === 'list') {
      list = names.length
      type = type.item.type
    }
    if (type === undefined) throw new TypeError(`there is no column ${path}: the rule is not of this contract`)
    fields = type.kind === 'struct' ? type.fields : []
  }
  return { names, list, type: type! }
}

function valueOf({ names, type }: ColumnPath, dialect: SqlDialect): Value {
  const [head, ...inner] = names
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

function everyItemSql(rule: Rule, target: ColumnPath, dialect: SqlDialect): string {
  const { type } = target
  const names = target.names.slice(target.list)
  const listType: DataType = { kind: 'list', item: { name: 'element', type, nullable: true } }
  const source = valueOf({ names: target.names.slice(0, target.list), list: undefined, type: listType }, dialect).sql
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
  if (rule.min !== undefined) parts.push(`${sql} >= ${plainNumber(rule.min)}`)
  if (rule.exclusiveMin !== undefined) parts.push(`${sql} > ${plainNumber(rule.exclusiveMin)}`)
  if (rule.max !== undefined) parts.push(`${sql} <= ${plainNumber(rule.max)}`)
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
