import type { DataType, Field } from '@sluice/columnar'
import type { Contract } from '../contract.ts'
import { arrowSchemaOf, lineageFields } from '../contracts/columns.ts'

export interface PostgresDdlOptions {
  /** Schema of the table; default none, so that `search_path` decides. */
  readonly schema?: string
  /** Table name; default the contract's. */
  readonly table?: string
  /** Columns of a primary key; default none, for bronze keeps duplicates. */
  readonly primaryKey?: readonly string[]
}

/** An SQL identifier: always quoted, quotes doubled (RELIABILITY input 14). @throws {TypeError} on NUL or over 63 bytes */
export function quoteIdentifier(name: string): string {
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > 63) {
    throw new TypeError('an SQL identifier has 1 to 63 bytes and no NUL')
  }
  return `"${name.replaceAll('"', '""')}"`
}

/** An SQL text literal for standard-conforming strings. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/**
 * `CREATE TABLE` for rows of a contract and their lineage, with comments. Nested records, lists and maps are `jsonb`;
 * enums are `text` with a check, so that a new symbol is a cheap change.
 */
export function postgresDdl(contract: Contract, options: PostgresDdlOptions = {}): string {
  const { schema, table = contract.table, primaryKey = [] } = options
  const name = schema === undefined ? quoteIdentifier(table) : `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
  const fields = [...arrowSchemaOf(contract).fields, ...lineageFields]
  const lines = fields.map(columnDdl)
  if (primaryKey.length > 0) lines.push(`  PRIMARY KEY (${primaryKey.map(quoteIdentifier).join(', ')})`)
  return `CREATE TABLE IF NOT EXISTS ${name} (\n${lines.join(',\n')}\n);\nCOMMENT ON TABLE ${name} IS ${quoteText(contract.description)};\n`
}

function columnDdl(field: Field): string {
  const name = quoteIdentifier(field.name)
  const check =
    field.type.kind === 'enum' ? ` CHECK (${name} IN (${field.type.symbols.map(quoteText).join(', ')}))` : ''
  return `  ${name} ${postgresType(field.type)}${field.nullable ? '' : ' NOT NULL'}${check}`
}

/** PostgreSQL type that holds every value of a column type. */
export function postgresType(type: DataType): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean'
    case 'int32':
      return 'integer'
    case 'int64':
      return 'bigint'
    case 'float32':
      return 'real'
    case 'float64':
      return 'double precision'
    case 'null':
    case 'utf8':
    case 'enum':
      return 'text'
    case 'binary':
    case 'fixed':
      return 'bytea'
    case 'decimal':
      return `numeric(${type.precision}, ${type.scale})`
    case 'date':
      return 'date'
    case 'time':
      return 'time'
    case 'timestamp':
      // PostgreSQL keeps microseconds; nanoseconds would be rounded, so they stay whole numbers.
      return type.unit === 'nano' ? 'bigint' : type.utc ? 'timestamptz' : 'timestamp'
    case 'uuid':
      return 'uuid'
    case 'list':
    case 'map':
    case 'struct':
      return 'jsonb'
  }
}
