import { afterAll, describe, expect, it } from 'vitest'
import { bookkeepingDdl, createPostgresSink } from '../src/index.ts'
import type { PostgresTable } from '../src/index.ts'
import { columnNames, ident, sqlName } from '../src/sql/identifiers.ts'
import { batchOf, contractOf, land, millis, optional, partitionOf } from './rows.ts'
import { connect, freshSchema, sql } from './server.ts'

const pool = connect()
afterAll(() => pool.close())

const fields = [
  { name: 'id', type: 'string' },
  { name: 'at', type: millis },
]
const contract = contractOf(fields)
const sinkOn = (schema: string, table: Partial<PostgresTable> = {}, ddl: 'manage' | 'verify' = 'manage') =>
  createPostgresSink({
    connection: pool,
    sinkId: 't',
    owner: 'tests',
    schema,
    ddl,
    tables: [{ contract, mode: 'upsert', ...table }],
  })
const one = (of = contract) => batchOf(of, partitionOf(of), 0, [{ id: 'a', at: 1n }])

describe('tables', () => {
  it('are created from the contract, with comment and key', async () => {
    const schema = await freshSchema('tables')
    await land(sinkOn(schema), one())
    const columns = await sql(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required FROM pg_attribute ` +
        `WHERE attrelid = '${schema}.things'::regclass AND attnum > 0 ORDER BY attnum`,
    )
    expect(columns).toEqual([
      { name: 'id', type: 'text', required: true },
      { name: 'at', type: 'timestamp with time zone', required: true },
      { name: '_topic', type: 'text', required: true },
      { name: '_partition', type: 'integer', required: true },
      { name: '_offset', type: 'bigint', required: true },
      { name: '_timestamp', type: 'timestamp with time zone', required: false },
      { name: '_ingested_at', type: 'timestamp with time zone', required: true },
      { name: '_schema_id', type: 'integer', required: false },
    ])
    expect(await sql(`SELECT obj_description('${schema}.things'::regclass) AS text`)).toEqual([
      { text: contract.description },
    ])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it.each(['upsert', 'scd2'] as const)('are widened by new fields, old rows keep null (%s)', async (mode) => {
    const schema = await freshSchema('tables')
    const table = { mode, ...(mode === 'scd2' && { track: ['id'] }) } as const
    await land(sinkOn(schema, table), one())
    const wider = contractOf([...fields, { name: 'more', type: optional('string') }])
    await land(
      sinkOn(schema, { ...table, contract: wider }),
      batchOf(wider, partitionOf(wider), 1, [{ id: 'b', at: 2n, more: 'x' }]),
    )
    expect(await sql(`SELECT id, more FROM ${schema}.things ORDER BY id`)).toEqual([
      { id: 'a', more: null },
      { id: 'b', more: 'x' },
    ])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it.each([
    [
      'another type',
      'CREATE TABLE things (id text PRIMARY KEY, at date)',
      'at is date',
      /ALTER COLUMN "at" TYPE timestamptz USING "at"::timestamptz/,
    ],
    [
      'a key of an enum type',
      'CREATE TYPE things_id AS ENUM (); CREATE TABLE things (id things_id PRIMARY KEY, at timestamptz)',
      'id is ',
      /ALTER COLUMN "id" TYPE text/,
    ],
    [
      'no unique key',
      'CREATE TABLE things (id text, at timestamptz)',
      'unique index on (id)',
      /CREATE UNIQUE INDEX ON .* \("id"\)/,
    ],
    [
      'a generated column',
      'CREATE TABLE things (id text PRIMARY KEY, at timestamptz, n int, _schema_id int GENERATED ALWAYS AS (1) STORED)',
      '_schema_id is generated',
      /DROP EXPRESSION/,
    ],
    [
      'a column nobody fills',
      'CREATE TABLE things (id text PRIMARY KEY, at timestamptz, other int NOT NULL)',
      'other must not be null',
      /ALTER COLUMN "other" DROP NOT NULL/,
    ],
  ])('refuse %s, with the DDL to run, which mends it', async (_, ddl, says, statement) => {
    const schema = await freshSchema('tables')
    await sql(ddl.replaceAll('things', `${schema}.things`))
    const error: unknown = await land(sinkOn(schema), one()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'TABLE_MISMATCH' })
    expect((error as Error).message).toContain(says)
    const { ddl: mend } = (error as { evidence: { ddl: string[] } }).evidence
    expect(mend.join(';')).toMatch(statement)
    await sql(mend.join(';'))
    await land(sinkOn(schema), one())
    expect(await sql(`SELECT id FROM ${schema}.things`)).toEqual([{ id: 'a' }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('are left to others with ddl verify; the DDL it asks for is what it needs', async () => {
    const schema = await freshSchema('tables')
    await sql(bookkeepingDdl(schema))
    const error = (await land(sinkOn(schema, {}, 'verify'), one()).catch((thrown: unknown) => thrown)) as {
      evidence: { ddl: string[] }
    }
    expect(error).toMatchObject({ code: 'TABLE_MISMATCH' })
    await sql(error.evidence.ddl.join(';'))
    await land(sinkOn(schema, {}, 'verify'), one())
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('hold names with quotes, semicolons, look-alikes and more than 63 bytes (input 14)', async () => {
    const schema = await freshSchema('tables')
    const names = ['select', `it's; DROP TABLE x--`, 'a"b', 'ｉd', `${'é'.repeat(40)}1`, `${'é'.repeat(40)}2`]
    const odd = contractOf([...fields], { table: `t"; ${'x'.repeat(80)}` })
    const batch = one(odd)
    const columns = names.map((name) => ({ name, type: { kind: 'utf8' } as const, nullable: true }))
    expect(columnNames(names, 'test').map((name) => Buffer.byteLength(name) <= 63)).toEqual(names.map(() => true))
    expect(new Set(columnNames(names, 'test')).size).toBe(names.length)
    expect(columns).toHaveLength(6)
    await land(sinkOn(schema, { contract: odd }), batch)
    const name = sqlName(odd.table)
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63)
    expect(await sql(`SELECT id FROM ${schema}.${ident(odd.table)}`)).toEqual([{ id: 'a' }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('refuse names that PostgreSQL, or a tool that folds case, would confuse (input 13)', () => {
    expect(() => columnNames(['Id', 'iD'], 'table x')).toThrow('table x: the columns Id and iD have the same SQL name')
    expect(() => columnNames(['xmin'], 'table x')).toThrow('system column')
    expect(() => sqlName('a\0b')).toThrow(TypeError)
    expect(() => ident('')).toThrow(TypeError)
  })
})

describe('options that cannot work are refused at construction', () => {
  const make =
    (table: Partial<PostgresTable>): (() => unknown) =>
    () =>
      sinkOn('x', table)
  it.each([
    ['a key the contract does not have', make({ key: ['nope'] }), 'key names nope'],
    ['no key', make({ contract: { ...contract, key: [] } }), 'needs a key'],
    ['upsert without lineage', make({ lineage: 'none' }), 'needs lineage'],
    ['append that deletes', make({ mode: 'append', contract: { ...contract, tombstones: 'delete' } }), 'cannot delete'],
    ['track without scd2', make({ track: ['id'] }), 'track is for scd2'],
    ['ties in append', make({ mode: 'append', ties: 'content' }), 'ties is for'],
    [
      'a history column of the contract',
      make({ mode: 'scd2', contract: contractOf([...fields, { name: 'valid_to', type: 'string' }]) }),
      'valid_to',
    ],
    [
      'two topics in one table',
      () =>
        createPostgresSink({
          connection: pool,
          sinkId: 't',
          owner: 'o',
          tables: [
            { contract, mode: 'append' },
            { contract: { ...contract, topic: 'other' }, mode: 'append' },
          ],
        }),
      'would share',
    ],
    ['a bad sink id', () => createPostgresSink({ connection: pool, sinkId: 'a b', owner: 'o', tables: [] }), 'sinkId'],
    [
      'a bad number',
      () => createPostgresSink({ connection: pool, sinkId: 'a', owner: 'o', tables: [], flushRows: 0 }),
      'flushRows',
    ],
  ])('%s', (_, act, says) => {
    expect(act).toThrow(TypeError)
    expect(act).toThrow(says)
  })
})
