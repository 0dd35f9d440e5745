import { zstdDecompressSync } from 'node:zlib'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createParquetEncoder, type ParquetEncoderOptions } from '../src/parquet/parquet-encoder.ts'
import type { ColumnBatch, DataType, Schema } from '../src/types.ts'
import { openDuckdb, type DuckdbReader } from './duckdb-rows.ts'
import { edgeValues, everyTypeRows, everyTypeSchema } from './every-type.ts'
import { makeBatch } from './make-batch.ts'

let duckdb: DuckdbReader
beforeAll(async () => {
  duckdb = await openDuckdb()
})
afterAll(() => duckdb.close())

function encode(batch: ColumnBatch, options?: ParquetEncoderOptions, selection?: Int32Array): Uint8Array {
  const encoder = createParquetEncoder(batch.schema, options)
  encoder.append(batch, selection)
  return encoder.finish()
}

/** Rows as hyparquet gives them, with its `undefined` for a null list or struct as null. */
async function readHyparquet(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const buffer = bytes.slice().buffer
  const rows = await parquetReadObjects({
    file: { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) },
    compressors: { ZSTD: (page) => zstdDecompressSync(page) },
  })
  return withNulls(rows) as Record<string, unknown>[]
}

function withNulls(value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (Array.isArray(value)) return value.map(withNulls)
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value as object).map(([key, inner]) => [key, withNulls(inner)]))
}

describe('every type, as DuckDB reads it', () => {
  const variants: Record<string, ParquetEncoderOptions> = {
    defaults: {},
    'no dictionary': { dictionary: false },
    'plain only': { dictionary: false, delta: 'none' },
    snappy: { compression: 'snappy' },
    uncompressed: { compression: 'none' },
    'small row groups and pages': { rowGroupRows: 37, pageBytes: 64, dictionary: false },
    'row groups by size': { rowGroupBytes: 20_000 },
  }
  it.each(Object.keys(variants))('%s', async (name) => {
    const rows = everyTypeRows(500)
    const bytes = encode(makeBatch(everyTypeSchema, rows), variants[name])
    expect(await duckdb.rows(bytes, everyTypeSchema)).toEqual(rows)
  })
})

it('writes only the rows selected, in the order given', async () => {
  const rows = everyTypeRows(300)
  const selection = Int32Array.from({ length: 500 }, (_, k) => (k * 7) % 300)
  const bytes = encode(makeBatch(everyTypeSchema, rows), { rowGroupRows: 128 }, selection)
  expect(await duckdb.rows(bytes, everyTypeSchema)).toEqual(Array.from(selection, (row) => rows[row]))
})

describe('every type, as hyparquet reads it', () => {
  const names = ['boolean', 'int32', 'int64', 'float32', 'float64', 'utf8', 'enum', 'list', 'list_of_lists']
  const simple = edgeValues.filter(({ name }) => names.includes(name))
  it.each([{}, { dictionary: false }, { dictionary: false, delta: 'none' } as const])('%j', async (options) => {
    const schema: Schema = { fields: simple.map(({ name, type }) => ({ name, type, nullable: true })) }
    const rows = everyTypeRows(400).map((row) => Object.fromEntries(simple.map(({ name }) => [name, row[name]])))
    expect(await readHyparquet(encode(makeBatch(schema, rows), options))).toEqual(rows)
  })

  it('decodes the other types to their meaning', async () => {
    const back = await readHyparquet(encode(makeBatch(everyTypeSchema, everyTypeRows(12))))
    expect(back[1]).toMatchObject({
      date: new Date(-86_400_000),
      timestamp_milli: new Date(-1),
      uuid: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      decimal9: 0.01,
      map: { a: 1 },
      struct: { a: null, b: '', c: { d: null } },
    })
  })
})

describe('numbers that differ by more than fits', () => {
  const extremes64 = [2n ** 63n - 1n, -(2n ** 63n), 0n, -1n, 2n ** 62n, -(2n ** 62n), 1n, 2n ** 32n, -(2n ** 32n) - 1n]
  const extremes32 = [2147483647, -2147483648, 0, -1, 1073741824, -1073741824]
  it.each([1, 2, 31, 32, 33, 128, 129, 130, 257, 1000])('delta over %i rows of both extremes', async (count) => {
    const schema: Schema = {
      fields: [
        { name: 'wide', type: { kind: 'int64' }, nullable: false },
        { name: 'steady', type: { kind: 'int64' }, nullable: false },
        { name: 'narrow', type: { kind: 'int32' }, nullable: false },
        { name: 'falling', type: { kind: 'int32' }, nullable: false },
      ],
    }
    const rows = Array.from({ length: count }, (_, i) => ({
      // The first half counts up so that delta wins; then the extremes alternate.
      wide: i < count / 2 ? BigInt(i) : extremes64[i % extremes64.length]!,
      steady: 1_795_000_000_000n + BigInt(i * 3),
      narrow: i < count / 2 ? i : extremes32[i % extremes32.length]!,
      falling: 1000 - i * 5,
    }))
    const bytes = encode(makeBatch(schema, rows), { dictionary: false })
    expect(await duckdb.rows(bytes, schema)).toEqual(rows)
    expect(await readHyparquet(bytes)).toEqual(rows)
  })
})

describe('dictionary, kept and given up', () => {
  const types: readonly [string, DataType, (n: number) => unknown][] = [
    ['utf8', { kind: 'utf8' }, (n) => `value-${n}`],
    ['int32', { kind: 'int32' }, (n) => Math.imul(n ^ (n << 7), 0x9e3779b1) ^ n],
    ['int64', { kind: 'int64' }, (n) => BigInt.asIntN(64, BigInt(n * n) * 0x9e3779b97f4a7c15n) ^ BigInt(n)],
    ['float64', { kind: 'float64' }, (n) => n / 7],
    ['fixed', { kind: 'fixed', size: 5 }, (n) => Uint8Array.of(n, n >> 8, n >> 16, 1, 2)],
    ['decimal', { kind: 'decimal', precision: 30, scale: 3 }, (n) => BigInt(n) * -(10n ** 20n)],
  ]
  it.each(types)('%s', async (_, type, value) => {
    const schema: Schema = { fields: [{ name: 'v', type, nullable: false }] }
    const encodings = async (distinct: number, rows: number): Promise<unknown> => {
      const batch = makeBatch(
        schema,
        Array.from({ length: rows }, (_row, i) => ({ v: value(i % distinct) })),
      )
      const bytes = encode(batch)
      const back = await duckdb.rows(bytes, schema)
      expect(back.length).toBe(rows)
      expect(back.every((row, i) => equal(row['v'], value(i % distinct)))).toBe(true)
      return parquetMetadata(bytes.slice().buffer).row_groups[0]!.columns[0]!.meta_data!.encodings
    }
    expect(await encodings(10, 20_000)).toContain('RLE_DICTIONARY')
    expect(await encodings(3000, 20_000)).toContain('RLE_DICTIONARY')
    expect(await encodings(20_000, 20_000)).not.toContain('RLE_DICTIONARY')
    expect(await encodings(1, 20_000)).toContain('RLE_DICTIONARY')
  })

  function equal(a: unknown, b: unknown): boolean {
    return a instanceof Uint8Array ? Buffer.from(a).equals(b as Uint8Array) : a === b
  }

  it('is given up for values made to share a table slot, which would make every lookup slow', async () => {
    const schema: Schema = { fields: [{ name: 'v', type: { kind: 'int32' }, nullable: false }] }
    const hash = (value: number): number => {
      let h = Math.imul(value ^ (value >>> 16), 0x21f0aaad)
      h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
      return h ^ (h >>> 15)
    }
    const colliding: number[] = []
    for (let value = 0; colliding.length < 200; value++) if ((hash(value) & 0xfff) === 0) colliding.push(value)
    const rows = Array.from({ length: 2000 }, (_, i) => ({ v: colliding[i % 200]! }))
    const bytes = encode(makeBatch(schema, rows), { delta: 'none' })
    expect(parquetMetadata(bytes.slice().buffer).row_groups[0]!.columns[0]!.meta_data!.encodings).toEqual(['PLAIN'])
    expect(await duckdb.rows(bytes, schema)).toEqual(rows)
  })
})

it('takes strings of 1 MB, each in a page of its own', async () => {
  const schema: Schema = { fields: [{ name: 's', type: { kind: 'utf8' }, nullable: true }] }
  const rows = [
    { s: 'a'.repeat(1_000_000) },
    { s: null },
    { s: 'ä'.repeat(524_288) },
    { s: '' },
    { s: 'b'.repeat(1_500_000) },
  ]
  for (const options of [{}, { delta: 'none', dictionary: false }, { rowGroupBytes: 1 }] as const) {
    expect(await duckdb.rows(encode(makeBatch(schema, rows), options), schema)).toEqual(rows)
  }
})

it('splits nested columns into pages only between rows', async () => {
  const type: DataType = { kind: 'list', item: { name: 'i', type: { kind: 'utf8' }, nullable: true } }
  const schema: Schema = { fields: [{ name: 'l', type, nullable: true }] }
  const rows = Array.from({ length: 3000 }, (_, i) => ({
    l: i % 5 === 0 ? null : Array.from({ length: i % 9 }, (_item, j) => (j % 4 === 3 ? null : `item ${i}/${j}`)),
  }))
  const bytes = encode(makeBatch(schema, rows), { pageBytes: 512 })
  expect(await duckdb.rows(bytes, schema)).toEqual(rows)
  expect(await readHyparquet(bytes)).toEqual(rows)
})

it('starts every page of a nested column with a new row', () => {
  const type: DataType = { kind: 'list', item: { name: 'i', type: { kind: 'int32' }, nullable: true } }
  const schema: Schema = { fields: [{ name: 'l', type, nullable: false }] }
  const rows = Array.from({ length: 500 }, (_, i) => ({ l: [i, i * 7919, i % 2 === 0 ? null : -i] }))
  const bytes = encode(makeBatch(schema, rows), { pageBytes: 64, dictionary: false, delta: 'none' })
  const { meta_data } = parquetMetadata(bytes.slice().buffer).row_groups[0]!.columns[0]!
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset), offset: Number(meta_data!.data_page_offset) }
  const counts: number[] = []
  while (counts.reduce((a, b) => a + b, 0) < 1500) {
    // PageHeader: field 3 is the compressed size, field 5 the data page header, whose field 1 counts the entries.
    const header = deserializeTCompactProtocol(reader) as { field_3: number; field_5: { field_1: number } }
    counts.push(header.field_5.field_1)
    reader.offset += header.field_3
  }
  expect(counts.length).toBeGreaterThan(50)
  expect(counts.filter((count) => count % 3 !== 0)).toEqual([])
})

describe('small files', () => {
  const schema: Schema = { fields: [{ name: 'a', type: { kind: 'utf8' }, nullable: true }] }
  it('a file without rows, with and without empty batches', async () => {
    const bytes = encode(makeBatch(schema, []))
    expect(createParquetEncoder(schema).finish()).toEqual(bytes)
    expect(await duckdb.query(`SELECT count(*)::INTEGER FROM '${duckdb.file(bytes)}'`)).toEqual([[0]])
    expect(await readHyparquet(bytes)).toEqual([])
  })
  it('columns of nulls only, one of the null type among them', async () => {
    const nulls: Schema = {
      fields: [
        { name: 'a', type: { kind: 'utf8' }, nullable: true },
        { name: 'n', type: { kind: 'null' }, nullable: true },
        {
          name: 'l',
          type: { kind: 'list', item: { name: 'i', type: { kind: 'null' }, nullable: true } },
          nullable: true,
        },
      ],
    }
    const rows = [
      { a: null, n: null, l: [null, null] },
      { a: null, n: null, l: null },
      { a: null, n: null, l: [] },
    ]
    expect(await duckdb.rows(encode(makeBatch(nulls, rows)), nulls)).toEqual(rows)
  })
})

describe('refusals', () => {
  const text = { kind: 'utf8' } as const
  const refuse = (fields: Schema['fields'], code: string): void => {
    expect(() => createParquetEncoder({ fields })).toThrowError(expect.objectContaining({ code }) as Error)
  }
  it('schemas that Parquet cannot hold', () => {
    refuse([], 'PARQUET_SCHEMA')
    refuse([{ name: 's', type: { kind: 'struct', fields: [] }, nullable: true }], 'PARQUET_SCHEMA')
    refuse(
      [
        { name: 'a', type: text, nullable: true },
        { name: 'a', type: text, nullable: true },
      ],
      'PARQUET_SCHEMA',
    )
    refuse([{ name: 'd', type: { kind: 'decimal', precision: 39, scale: 0 }, nullable: true }], 'PARQUET_SCHEMA')
    refuse([{ name: 'f', type: { kind: 'fixed', size: 0 }, nullable: true }], 'PARQUET_SCHEMA')
  })
  it('options out of range', () => {
    const schema: Schema = { fields: [{ name: 'a', type: text, nullable: true }] }
    for (const options of [{ rowGroupRows: 0 }, { pageBytes: 1.5 }, { compression: 'lzo' }, { delta: 'some' }]) {
      expect(() => createParquetEncoder(schema, options as ParquetEncoderOptions)).toThrowError(
        expect.objectContaining({ code: 'PARQUET_OPTION' }) as Error,
      )
    }
  })
  it('batches of another schema, values outside their type, and use after the end', () => {
    const schema: Schema = { fields: [{ name: 'e', type: { kind: 'enum', symbols: ['A'] }, nullable: false }] }
    const other: Schema = { fields: [{ name: 'e', type: { kind: 'enum', symbols: ['B'] }, nullable: false }] }
    const code = (value: string): Error => expect.objectContaining({ code: value }) as Error
    const encoder = createParquetEncoder(schema)
    expect(() => encoder.append(makeBatch(other, [{ e: 'B' }]))).toThrowError(code('BATCH_SCHEMA'))
    expect(() => encoder.append(makeBatch(schema, [{ e: 'A' }]), Int32Array.of(1))).toThrowError(code('ROW_RANGE'))
    encoder.append(makeBatch({ fields: [...schema.fields] }, [{ e: 'A' }]))
    expect(() => encoder.append(makeBatch(schema, [{ e: 'C' }]))).toThrowError(code('BATCH_VALUE'))
    expect(() => encoder.finish()).toThrowError(code('ENCODER_FINISHED'))

    const nulls = createParquetEncoder(schema)
    expect(() => nulls.append(makeBatch(schema, [{ e: null }]))).toThrowError(code('BATCH_VALUE'))
    for (const precision of [9, 18, 20]) {
      const decimals: Schema = {
        fields: [{ name: 'd', type: { kind: 'decimal', precision, scale: 0 }, nullable: false }],
      }
      const tooBig = makeBatch(decimals, [{ d: 10n ** 25n }])
      expect(() => createParquetEncoder(decimals).append(tooBig)).toThrowError(code('BATCH_VALUE'))
    }
    const finished = createParquetEncoder(schema)
    finished.finish()
    expect(() => finished.append(makeBatch(schema, []))).toThrowError(code('ENCODER_FINISHED'))
  })
})
