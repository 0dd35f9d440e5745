import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createParquetEncoder, type ParquetEncoderOptions } from '../src/parquet/parquet-encoder.ts'
import type { DataType, Schema } from '../src/types.ts'
import { everyTypeRows, everyTypeSchema } from './every-type.ts'
import { makeBatch } from './make-batch.ts'
import { pyarrowPython } from './pyarrow/venv.ts'

interface Description {
  readonly types: Record<string, string>
  readonly nullable: Record<string, boolean>
  readonly fieldIds: Record<string, string>
  readonly statistics: { path: string; nulls: number; values: number; min: string | null; max: string | null }[]
  /** One array per column. */
  readonly rows: unknown[][]
  readonly rowGroups: number
  readonly kept: number[]
  readonly found: number
}

let python = ''
let folder = ''
beforeAll(() => {
  python = pyarrowPython()
  folder = mkdtempSync(join(tmpdir(), 'sluice-pyarrow-'))
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true }))

function describeFile(bytes: Uint8Array, ...filter: string[]): Description {
  const path = join(folder, 'file.parquet')
  writeFileSync(path, bytes)
  const script = fileURLToPath(new URL('./pyarrow/describe.py', import.meta.url))
  const out = execFileSync(python, [script, path, ...filter], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  return JSON.parse(out) as Description
}

function encode(schema: Schema, rows: readonly Record<string, unknown>[], options?: ParquetEncoderOptions): Uint8Array {
  const encoder = createParquetEncoder(schema, options)
  encoder.append(makeBatch(schema, rows))
  return encoder.finish()
}

/** A test value spelled as `describe.py` spells it. */
function spelled(type: DataType, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'boolean':
    case 'utf8':
    case 'enum':
      return value
    case 'float32':
      return Buffer.from(Float32Array.of(value as number).buffer).toString('hex')
    case 'float64':
      return Buffer.from(Float64Array.of(value as number).buffer).toString('hex')
    case 'binary':
    case 'fixed':
      return Buffer.from(value as Uint8Array).toString('hex')
    case 'uuid':
      return (value as string).replaceAll('-', '')
    case 'list':
      return (value as unknown[]).map((item) => spelled(type.item.type, item))
    case 'map':
      return (value as [string, unknown][]).map(([key, item]) => [key, spelled(type.value.type, item)])
    case 'struct':
      return Object.fromEntries(
        type.fields.map((field) => [field.name, spelled(field.type, (value as Record<string, unknown>)[field.name])]),
      )
    default:
      return String(value)
  }
}

describe('pyarrow reads every type', () => {
  const variants: Record<string, ParquetEncoderOptions> = {
    defaults: {},
    'no dictionary, snappy': { dictionary: false, compression: 'snappy' },
    'plain only, uncompressed, small pages': { dictionary: false, delta: 'none', compression: 'none', pageBytes: 100 },
    'several row groups': { rowGroupRows: 33 },
  }
  it.each(Object.keys(variants))('%s', (name) => {
    const rows = everyTypeRows(150)
    const found = describeFile(encode(everyTypeSchema, rows, variants[name]))
    everyTypeSchema.fields.forEach(({ name: column, type, nullable, fieldId }, index) => {
      expect(found.rows[index], column).toEqual(rows.map((row) => spelled(type, row[column])))
      expect(found.nullable[column], column).toBe(nullable)
      expect(found.fieldIds[column], column).toBe(String(fieldId))
    })
  })

  it('with the types meant', () => {
    const { types } = describeFile(encode(everyTypeSchema, everyTypeRows(3)))
    expect(types).toMatchObject({
      boolean: 'bool',
      float32: 'float',
      utf8: 'string',
      enum: 'string',
      binary: 'binary',
      fixed: 'fixed_size_binary[3]',
      decimal9: 'decimal128(9, 2)',
      decimal38: 'decimal128(38, 10)',
      date: 'date32[day]',
      time_milli: 'time32[ms]',
      time_micro: 'time64[us]',
      timestamp_milli: 'timestamp[ms, tz=UTC]',
      timestamp_micro: 'timestamp[us, tz=UTC]',
      timestamp_nano: 'timestamp[ns]',
      timestamp_local: 'timestamp[us]',
      uuid: 'extension<arrow.uuid>',
    })
  })
})

it('finds field ids of list elements, map keys and values, and struct members', () => {
  const text: DataType = { kind: 'utf8' }
  const schema: Schema = {
    fields: [
      {
        name: 'l',
        type: { kind: 'list', item: { name: 'x', type: text, nullable: true, fieldId: 11 } },
        nullable: true,
        fieldId: 10,
      },
      {
        name: 'm',
        type: { kind: 'map', keyFieldId: 21, value: { name: 'x', type: text, nullable: true, fieldId: 22 } },
        nullable: true,
        fieldId: 20,
      },
      {
        name: 's',
        type: { kind: 'struct', fields: [{ name: 'f', type: text, nullable: true, fieldId: 31 }] },
        nullable: true,
        fieldId: 30,
      },
      { name: 'n', type: { kind: 'null' }, nullable: true, fieldId: 40 },
    ],
  }
  const found = describeFile(encode(schema, [{ l: ['a'], m: [['k', 'v']], s: { f: 'x' }, n: null }]))
  expect(found.types['n']).toBe('null')
  expect(found.fieldIds).toEqual({
    l: '10',
    'l.element': '11',
    m: '20',
    'm.key': '21',
    'm.value': '22',
    s: '30',
    's.f': '31',
    n: '40',
  })
})

describe('statistics', () => {
  const schema: Schema = {
    fields: [
      { name: 'id', type: { kind: 'int64' }, nullable: false },
      { name: 'name', type: { kind: 'utf8' }, nullable: true },
      { name: 'amount', type: { kind: 'decimal', precision: 30, scale: 2 }, nullable: true },
      { name: 'ratio', type: { kind: 'float64' }, nullable: true },
      // pyarrow prunes no column that has nulls, its own files included.
      { name: 'code', type: { kind: 'utf8' }, nullable: false },
    ],
  }
  const rows = Array.from({ length: 400 }, (_, i) => ({
    id: BigInt(i) - 200n,
    name: i % 4 === 0 ? null : `${String(i).padStart(4, '0')}${'x'.repeat(i % 100)}`,
    amount: BigInt(i - 200) * 10n ** 20n,
    ratio: i === 5 ? NaN : i,
    code: `${String(i).padStart(4, '0')}${'x'.repeat(i % 100)}`,
  }))
  const file = encode(schema, rows, { rowGroupRows: 100 })

  it('are those of the values', () => {
    const found = describeFile(file).statistics.filter((_, index) => index < 5)
    expect(found).toEqual([
      { path: 'id', nulls: 0, values: 100, min: '-200', max: '-101' },
      { path: 'name', nulls: 25, values: 75, min: '0001x', max: `0099${'x'.repeat(59)}y` },
      { path: 'amount', nulls: 0, values: 100, min: '-200000000000000000000.00', max: '-101000000000000000000.00' },
      { path: 'ratio', nulls: 0, values: 100, min: null, max: null },
      { path: 'code', nulls: 0, values: 100, min: '0000', max: `0099${'x'.repeat(59)}y` },
    ])
  })
  it.each<[string, string, string, string, number[], number]>([
    ['id', '==', '-1', 'int64', [1], 1],
    ['id', '>', '150', 'int64', [3], 49],
    ['id', '<', '-200', 'int64', [], 0],
    ['code', '==', '0301x', 'string', [3], 1],
    ['code', '<', '0002', 'string', [0], 2],
  ])('prune row groups: %s %s %s', (column, operator, value, type, kept, found) => {
    const result = describeFile(file, column, operator, value, type)
    expect([result.rowGroups, result.kept, result.found]).toEqual([4, kept, found])
  })
})
