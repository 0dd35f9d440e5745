import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseSchema, type AvroNode, type RecordNode } from '../src/avro/model.ts'
import { freezeDeep, type AvroSchema, type Contract, type Row, type RowValue, type Rule } from '../src/index.ts'
import {
  arrowSchemaOf,
  compileRowRules,
  compileRules,
  contracts,
  describeRule,
  ruleSql,
  withRules,
} from '../src/index.ts'
import { decimalBound, plainNumber } from '../src/rules/bounds.ts'
import { bytePattern } from '../src/rules/byte-pattern.ts'
import { isPortablePattern } from '../src/rules/pattern.ts'
import { batchOfRows } from './support/batch-of-rows.ts'
import { z } from 'zod'

const decimal = { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 }
const micros = { type: 'long', logicalType: 'timestamp-micros' }
const item = {
  type: 'record',
  name: 'Item',
  fields: [
    { name: 'n', type: ['null', 'int'] },
    { name: 't', type: 'string' },
    { name: 'd', type: decimal },
  ],
}

/** A contract with every kind of field that rules reach, and rules of every kind on each. */
const schema: AvroSchema = {
  type: 'record',
  name: 'Sample',
  fields: [
    { name: 'i', type: 'int' },
    { name: 'ni', type: ['null', 'int'] },
    { name: 'l', type: 'long' },
    { name: 'nl', type: ['null', 'long'] },
    { name: 'f', type: 'double' },
    { name: 'nf', type: ['null', 'double'] },
    { name: 'd', type: decimal },
    { name: 'nd', type: ['null', decimal] },
    { name: 's', type: 'string' },
    { name: 'ns', type: ['null', 'string'] },
    { name: 'e', type: { type: 'enum', name: 'E', symbols: ['A', 'B', 'C'] } },
    { name: 'ne', type: ['null', 'E'] },
    { name: 't', type: micros },
    { name: 'nt', type: ['null', micros] },
    {
      name: 'r',
      type: [
        'null',
        {
          type: 'record',
          name: 'Inner',
          fields: [
            { name: 'n', type: ['null', 'int'] },
            { name: 's', type: 'string' },
          ],
        },
      ],
    },
    { name: 'items', type: { type: 'array', items: item } },
    { name: 'tags', type: ['null', { type: 'array', items: 'string' }] },
    { name: 'm', type: { type: 'map', values: 'int' } },
  ],
} as AvroSchema

const rules: Rule[] = [
  { name: 'i_range', field: 'i', min: -1, max: 7 },
  { name: 'i_fraction', field: 'i', exclusiveMin: -0.5, max: 7.5 },
  { name: 'ni_over', field: 'ni', exclusiveMin: 0, required: true, when: { e: ['A'], ne: ['B', 'C'] } },
  { name: 'l_safe', field: 'l', max: Number.MAX_SAFE_INTEGER, min: -5 },
  { name: 'nl_over', field: 'nl', exclusiveMin: 0 },
  { name: 'l_order', field: 'l', notBefore: 'nl' },
  { name: 'f_range', field: 'f', min: 0.1, max: 100 },
  { name: 'nf_over', field: 'nf', exclusiveMin: 0 },
  { name: 'f_order', field: 'nf', notBefore: 'f' },
  { name: 'd_range', field: 'd', min: 0, max: 99.995 },
  { name: 'd_fraction', field: 'd', exclusiveMin: -0.005 },
  { name: 'd_min_fraction', field: 'd', min: 0.005 },
  { name: 'nd_over', field: 'nd', exclusiveMin: 0, required: true, when: { s: ['abc', 'é'] } },
  { name: 'd_order', field: 'nd', notBefore: 'd' },
  { name: 's_one_of', field: 's', oneOf: ['abc', 'é', "it's", ''] },
  { name: 's_fixed', field: 's', pattern: '^[a-c]{3}$' },
  { name: 's_loose', field: 'ns', pattern: '^[^@ ]+@[^@ ]+\\.[a-z]{2,3}$' },
  { name: 's_any', field: 's', pattern: 'b|é' },
  { name: 's_length', field: 's', minLength: 1, maxLength: 3 },
  { name: 'ns_present', field: 'ns', required: true },
  { name: 'e_one_of', field: 'ne', oneOf: ['A', 'C'] },
  { name: 't_order', field: 't', notBefore: 'nt' },
  { name: 'r_n', field: 'r.n', min: 2, required: true, when: { 'r.s': ['abc'] } },
  { name: 'r_s', field: 'r.s', minLength: 2 },
  { name: 'r_present', field: 'r', required: true },
  { name: 'items_some', field: 'items', minLength: 1, maxLength: 2 },
  { name: 'items_n', field: 'items[].n', min: 0, required: true },
  { name: 'items_t', field: 'items[].t', pattern: '^[a-z]{1}$' },
  { name: 'items_d', field: 'items[].d', exclusiveMin: 0, when: { e: ['B'] } },
  { name: 'tags_text', field: 'tags[]', oneOf: ['abc', 'é'] },
  { name: 'tags_some', field: 'tags', minLength: 1 },
  { name: 'm_size', field: 'm', maxLength: 1 },
]

const sample: Contract = freezeDeep({
  ...contracts['bakery.SalesEvent'],
  name: 'test.Sample',
  schema,
  versions: [{ version: 1, schema }],
  rules: [],
  fieldIds: {},
})

/** Values near the bounds of the rules, so that both outcomes are common. */
function near(node: AvroNode): fc.Arbitrary<RowValue> {
  switch (node.kind) {
    case 'union':
      return fc.oneof(...node.branches.map(near))
    case 'null':
      return fc.constant(null)
    case 'int':
      return fc.oneof(fc.integer({ min: -2, max: 9 }), fc.constantFrom(2 ** 31 - 1, -(2 ** 31)))
    case 'long':
      return fc.oneof(
        fc.bigInt({ min: -6n, max: 6n }),
        fc.constantFrom(2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n - 2n ** 62n, -(2n ** 53n) - 1n),
      )
    case 'double':
      return fc.constantFrom(
        NaN,
        Infinity,
        -Infinity,
        -0,
        0,
        0.1,
        0.09999999999999999,
        100,
        100.00000000000001,
        -1,
        5e-324,
      )
    case 'bytes':
      return fc.constantFrom(
        '0.00',
        '-0.01',
        '0.01',
        '99.99',
        '100.00',
        '123456789012345678.90',
        '-123456789012345678.90',
        '42949672.96',
      )
    case 'string':
      return fc.constantFrom(
        '',
        'a',
        'abc',
        'abcd',
        'é',
        '🥐🥐🥐🥐',
        '🥐🥐🥐',
        "it's",
        'b',
        'a@b.de',
        'a@b.d1',
        'x\ny@b.de',
        'A',
      )
    case 'enum':
      return fc.constantFrom(...node.symbols)
    case 'array':
      return fc.array(near(node.items), { maxLength: 3 })
    case 'map':
      return fc.dictionary(fc.constantFrom('k', 'toString'), near(node.values), { maxKeys: 2 }) as fc.Arbitrary<Row>
    case 'record':
      return fc.record(
        Object.fromEntries(node.fields.map((field) => [field.name, near(field.type)])),
      ) as fc.Arbitrary<Row>
    default:
      throw new Error(`no values for ${node.kind}`)
  }
}

function duckType(node: AvroNode): string {
  switch (node.kind) {
    case 'union':
      return duckType(node.branches.find((branch) => branch.kind !== 'null')!)
    case 'int':
      return 'INTEGER'
    case 'long':
      return node.logical === undefined ? 'BIGINT' : 'TIMESTAMPTZ'
    case 'double':
      return 'DOUBLE'
    case 'bytes':
      return 'DECIMAL(20, 2)'
    case 'array':
      return `${duckType(node.items)}[]`
    case 'map':
      return `MAP(VARCHAR, ${duckType(node.values)})`
    case 'record':
      return `STRUCT(${node.fields.map((field) => `"${field.name}" ${duckType(field.type)}`).join(', ')})`
    default:
      return 'VARCHAR'
  }
}

function duckLiteral(node: AvroNode, value: RowValue): string {
  if (value === null) return 'NULL'
  switch (node.kind) {
    case 'union':
      return duckLiteral(
        node.branches.find((branch) => branch.kind !== 'null')!,
        value,
      )
    case 'long':
      return node.logical === undefined ? String(value) : `make_timestamptz(${BigInt.asIntN(50, value as bigint)})`
    case 'double':
      // As text: DuckDB reads a bare number as a decimal first.
      return `'${Object.is(value, -0) ? '-0' : String(value)}'::DOUBLE`
    case 'array':
      return `[${(value as RowValue[]).map((entry) => duckLiteral(node.items, entry)).join(', ')}]::${duckType(node)}`
    case 'map':
      return `MAP {${Object.entries(value as Row)
        .map(([key, entry]) => `'${key}': ${duckLiteral(node.values, entry)}`)
        .join(', ')}}::${duckType(node)}`
    case 'record':
      return `{${node.fields.map((field) => `'${field.name}': ${duckLiteral(field.type, (value as Row)[field.name]!)}`).join(', ')}}::${duckType(node)}`
    case 'string':
    case 'enum':
      return `'${(value as string).replaceAll("'", "''")}'`
    default:
      return String(value)
  }
}

const record = parseSchema(schema) as RecordNode
const rows = (fc.sample(near(record), { seed: 23, numRuns: 600 }) as Row[]).map((row) => ({
  ...row,
  // DuckDB timestamps have a smaller range than 64 bits.
  t: BigInt.asIntN(50, row['t'] as bigint),
  nt: row['nt'] === null ? null : BigInt.asIntN(50, row['nt'] as bigint),
})) as unknown as Row[]

describe('rules mean the same in columns, rows and SQL', () => {
  let instance: DuckDBInstance
  let run: (sql: string) => Promise<unknown[][]>

  beforeAll(async () => {
    instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    run = async (sql) => (await connection.runAndReadAll(sql)).getRows()
    await run(
      `CREATE TABLE t ("row" INTEGER, ${record.fields.map((field) => `"${field.name}" ${duckType(field.type)}`).join(', ')})`,
    )
    const values = rows.map(
      (row, i) =>
        `(${[String(i), ...record.fields.map((field) => duckLiteral(field.type, row[field.name]!))].join(', ')})`,
    )
    await run(`INSERT INTO t VALUES ${values.join(',\n')}`)
  })
  afterAll(() => instance.closeSync())

  it.each(rules.map((rule) => [rule.name, rule] as const))('%s', async (_, rule) => {
    const contract = { ...sample, rules: [rule] }
    const byColumn = compileRules(contract)(batchOfRows(arrowSchemaOf(contract), rows)).map(
      (violation) => violation.row,
    )
    const holds = compileRowRules(contract)
    const byRow = rows.flatMap((row, i) => (holds(row) === undefined ? [] : [i]))
    const bySql = (await run(`SELECT "row" FROM t WHERE NOT ${ruleSql(contract, rule, 'duckdb')} ORDER BY "row"`)).map(
      ([i]) => i,
    )
    expect(byColumn).toEqual(byRow)
    expect(bySql).toEqual(byRow)
    expect(byRow.length).toBeGreaterThan(0)
    expect(byRow.length).toBeLessThan(rows.length)
  })

  it('never gives null in SQL', async () => {
    for (const rule of rules) {
      const [[count]] = (await run(`SELECT count(*) FROM t WHERE (${ruleSql(sample, rule, 'duckdb')}) IS NULL`)) as [
        [bigint],
      ]
      expect(count, rule.name).toBe(0n)
    }
  })

  it('names the first broken rule of each row, the same in columns, rows and zod', () => {
    const contract = { ...sample, rules }
    const firstBroken = compileRowRules(contract)
    const expected = rows.flatMap((row, i) => {
      const broken = firstBroken(row)
      return broken === undefined ? [] : [{ row: i, ...broken }]
    })
    expect(compileRules(contract)(batchOfRows(arrowSchemaOf(contract), rows))).toEqual(expected)
    expect(new Set(expected.map((violation) => violation.rule)).size).toBeGreaterThan(8)
    const validator = withRules(
      z.custom<object>(() => true),
      contract,
    )
    const codes = rows.map((row) => {
      const result = validator.safeParse(row)
      return result.success ? undefined : (result.error.issues[0] as { params?: { code?: string } }).params?.code
    })
    expect(codes).toEqual(rows.map((row) => firstBroken(row)?.code))
  })
})

describe('rules of the built-in contracts', () => {
  it('are written in SQL for both dialects without a stray word', () => {
    for (const contract of Object.values(contracts)) {
      for (const rule of contract.rules) {
        for (const dialect of ['duckdb', 'postgres'] as const) {
          expect(ruleSql(contract, rule, dialect)).not.toMatch(/undefined|NaN\b(?!')|\[object/)
        }
        expect(describeRule(rule)).not.toBe('')
      }
    }
  })

  it('refuse a batch of another contract', () => {
    const check = compileRules(contracts['bakery.SalesEvent'])
    expect(() => check({ schema: { fields: [] }, length: 1, columns: [] })).toThrow(TypeError)
  })
})

describe('bounds', () => {
  it('write numbers without exponent', () => {
    expect([1e-7, 1.5e-7, 1e21, -2.5, 0, 123.456e5].map(plainNumber)).toEqual([
      '0.0000001',
      '0.00000015',
      '1000000000000000000000',
      '-2.5',
      '0',
      '12345600',
    ])
  })

  it('round towards the right side of a decimal', () => {
    expect(decimalBound(0.005, 2)).toEqual({ floor: 0n, ceil: 1n })
    expect(decimalBound(-0.005, 2)).toEqual({ floor: -1n, ceil: 0n })
    expect(decimalBound(-1.25, 2)).toEqual({ floor: -125n, ceil: -125n })
  })
})

describe('patterns', () => {
  it.each(['^STORE-[0-9]{3}$', '^[^@ ]+@[^@ ]+\\.[^@ .]+$', 'a|b', '^(?:ab)*c?$', '^[A-Za-z0-9_.-]{1,64}$'])(
    '%s is portable',
    (pattern) => {
      expect(isPortablePattern(pattern)).toBe(true)
    },
  )

  it.each(['.', '\\d', '\\w+', 'a*?', '(a)\\1', '(?!a)', '(?<n>a)', '[', 'a{2', '\\u0041', '[[:alpha:]]'])(
    '%s is not',
    (pattern) => {
      expect(isPortablePattern(pattern)).toBe(false)
    },
  )

  it('match bytes as the regular expression matches text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('^STORE-[0-9]{3}$', '^[A-Z]{3}$', '^[a-z-]{2}\\.x$', '^A{0}b$'),
        fc.oneof(
          fc.stringMatching(/^(STORE-[0-9]{2,4}|[A-Za-z]{3}|[a-z-]{2}[.x]x|A?b)$/),
          fc.string({ unit: 'binary' }),
        ),
        (pattern, text) => {
          const positions = bytePattern(pattern)!
          const bytes = Buffer.from(text)
          const matched = bytes.length === positions.length && positions.every((set, i) => set[bytes[i]!] === 1)
          expect(matched).toBe(new RegExp(pattern).test(text))
        },
      ),
      { seed: 31, numRuns: 500 },
    )
    expect(bytePattern('^a+$')).toBeUndefined()
    expect(bytePattern('a')).toBeUndefined()
    expect(bytePattern('^a|b$')).toBeUndefined()
  })
})
