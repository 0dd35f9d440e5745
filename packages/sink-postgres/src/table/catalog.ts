import type { SqlSession } from '../session/session.ts'

/** A column as the catalog has it. */
export interface CatalogColumn {
  readonly name: string
  /** Name of the base type (of a domain's too): `varchar`, `numeric`, `int4`. */
  readonly baseType: string
  /** As written in DDL: `character varying(20)`. */
  readonly declared: string
  readonly isEnum: boolean
  /** ` COLLATE ...` for a text column with a collation of its own, else empty. */
  readonly collate: string
  /** Characters of varchar(n) and char(n). */
  readonly maxChars: number | undefined
  /** Digits of numeric(p, s). */
  readonly precision: number | undefined
  readonly scale: number | undefined
  readonly notNull: boolean
  /** The server fills it when it is left out. */
  readonly filled: boolean
  /** Cannot be written. */
  readonly generated: boolean
}

export interface CatalogConstraint {
  readonly name: string
  readonly kind: 'check' | 'foreign' | 'unique'
  /** Columns, in order of the constraint or index. */
  readonly columns: readonly string[]
  /** Expression of a check. */
  readonly expression: string | undefined
  /** Table (quoted) and columns a foreign key points to. */
  readonly references: { readonly table: string; readonly columns: readonly string[] } | undefined
}

export interface CatalogTable {
  readonly columns: ReadonlyMap<string, CatalogColumn>
  readonly constraints: readonly CatalogConstraint[]
  /** A table, not a view, without rules and row security: what COPY writes is what INSERT would. */
  readonly plain: boolean
  /** Text that differs when the table, its columns or its indexes do. */
  readonly shape: string
}

/** The `shape` of a table as an SQL expression; `target` is the quoted name as a text literal or parameter. */
export function shapeSql(target: string): string {
  return `SELECT concat_ws(';', c.oid, c.relkind, c.relhasrules, c.relrowsecurity,
    (SELECT string_agg(concat_ws(':', a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attnotnull, a.attgenerated, a.attidentity), ',' ORDER BY a.attnum)
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    (SELECT string_agg(concat_ws(':', i.indexrelid, i.indisunique, i.indisvalid, i.indimmediate), ',' ORDER BY i.indexrelid)
      FROM pg_index i WHERE i.indrelid = c.oid)) FROM pg_class c WHERE c.oid = to_regclass(${target})`
}

const columnsSql = `
  SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS declared,
    CASE WHEN t.typtype = 'd' THEN b.typname ELSE t.typname END AS base_type,
    coalesce(b.typtype, t.typtype) = 'e' AS is_enum,
    CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod,
    (SELECT ' COLLATE ' || quote_ident(n.nspname) || '.' || quote_ident(c.collname) FROM pg_collation c
      JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = a.attcollation AND c.collname <> 'default') AS collate,
    a.attnotnull OR t.typnotnull AS not_null,
    a.atthasdef OR a.attidentity <> '' AS filled,
    a.attgenerated <> '' OR a.attidentity = 'a' AS generated
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
  WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`

const constraintsSql = `
  SELECT c.conname AS name, c.contype AS kind, pg_get_expr(c.conbin, c.conrelid) AS expression,
    (SELECT quote_ident(n.nspname) || '.' || quote_ident(r.relname) FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = c.confrelid) AS ref_table,
    to_json(ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, i) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.i)) AS columns,
    to_json(ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(n, i) JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.i)) AS ref_columns
  FROM pg_constraint c WHERE c.conrelid = to_regclass($1) AND (c.contype = 'c' OR c.contype = 'f' AND c.confrelid <> c.conrelid)
  UNION ALL
  SELECT i.indexrelid::regclass::text, 'u', NULL, NULL,
    to_json(ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(n, o) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n WHERE k.o <= i.indnkeyatts ORDER BY k.o)), NULL
  FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
  ORDER BY 2, 1`

/** Reads a table from the catalog; undefined when there is none. `target` is quoted. */
export async function readCatalog(session: SqlSession, target: string): Promise<CatalogTable | undefined> {
  const found = await session.query(`SELECT to_regclass($1) IS NOT NULL AS found`, [target])
  if (found.rows[0]?.['found'] !== true) return undefined
  const columns = await session.query(columnsSql, [target])
  const constraints = await session.query(constraintsSql, [target])
  const kind = await session.query(
    `SELECT relkind IN ('r', 'p') AND NOT relhasrules AND NOT relrowsecurity AS plain, (${shapeSql('$1')}) AS shape ` +
      `FROM pg_class WHERE oid = to_regclass($1)`,
    [target],
  )
  return {
    plain: kind.rows[0]?.['plain'] === true,
    shape: String(kind.rows[0]?.['shape']),
    columns: new Map(columns.rows.map((row) => [String(row['name']), columnOf(row)])),
    constraints: constraints.rows.map((row) => ({
      name: String(row['name']),
      kind: row['kind'] === 'c' ? 'check' : row['kind'] === 'f' ? 'foreign' : 'unique',
      columns: namesOf(row['columns']),
      expression: typeof row['expression'] === 'string' ? row['expression'] : undefined,
      references:
        typeof row['ref_table'] === 'string'
          ? { table: row['ref_table'], columns: namesOf(row['ref_columns']) }
          : undefined,
    })),
  }
}

/** Type modifiers are stored with four added. */
const typmodHeader = 4

function columnOf(row: Readonly<Record<string, unknown>>): CatalogColumn {
  const baseType = String(row['base_type'])
  const typmod = Number(row['typmod'])
  const modifier = typmod < typmodHeader ? undefined : typmod - typmodHeader
  const numeric = baseType === 'numeric' && modifier !== undefined
  const scale = numeric ? ((modifier & 0x7ff) ^ 1024) - 1024 : undefined
  return {
    name: String(row['name']),
    baseType,
    declared: String(row['declared']),
    isEnum: row['is_enum'] === true,
    collate: typeof row['collate'] === 'string' ? row['collate'] : '',
    maxChars: baseType === 'varchar' || baseType === 'bpchar' ? modifier : undefined,
    precision: numeric ? modifier >> 16 : undefined,
    scale,
    notNull: row['not_null'] === true,
    filled: row['filled'] === true,
    generated: row['generated'] === true,
  }
}

function namesOf(json: unknown): string[] {
  const value: unknown = typeof json === 'string' ? JSON.parse(json) : json
  return Array.isArray(value) ? value.map(String) : []
}
