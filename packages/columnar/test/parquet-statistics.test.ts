import { zstdDecompressSync } from 'node:zlib'
import { parquetMetadata, parquetReadObjects, type Statistics } from 'hyparquet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createParquetEncoder, PARQUET_ENCODER_VERSION, parquetEncoderId } from '../src/parquet/parquet-encoder.ts'
import type { DataType, Schema } from '../src/types.ts'
import { makeBatch } from './make-batch.ts'

type Bound = Uint8Array | undefined

/** Statistics of a one-column file as stored: raw bytes of the bounds. */
function statisticsOf(type: DataType, values: readonly unknown[]): Statistics & { min_value: Bound; max_value: Bound } {
  const schema: Schema = { fields: [{ name: 'v', type, nullable: true, fieldId: 7 }] }
  const encoder = createParquetEncoder(schema)
  encoder.append(
    makeBatch(
      schema,
      values.map((v) => ({ v })),
    ),
  )
  const raw = (bytes: Uint8Array): Uint8Array => bytes
  const parsers = {
    stringFromBytes: raw,
    dateFromDays: (days: number) => days,
    timestampFromMilliseconds: (ms: bigint) => ms,
    timestampFromMicroseconds: (us: bigint) => us,
    timestampFromNanoseconds: (ns: bigint) => ns,
    uuidFromBytes: raw,
    variantFromBytes: raw,
    jsonFromBytes: raw,
    bsonFromBytes: raw,
    geometryFromBytes: raw,
    geographyFromBytes: raw,
  }
  const metadata = parquetMetadata(encoder.finish().slice().buffer, { parsers } as unknown as object)
  return metadata.row_groups[0]!.columns[0]!.meta_data!.statistics as Statistics & {
    min_value: Bound
    max_value: Bound
  }
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('order', () => {
  it('int64 is signed and wider than a double', () => {
    const { min_value, max_value, null_count } = statisticsOf({ kind: 'int64' }, [
      2n ** 53n + 1n,
      null,
      -(2n ** 63n),
      -1n,
      2n ** 53n,
    ])
    expect([min_value, max_value, null_count]).toEqual([-(2n ** 63n), 2n ** 53n + 1n, 1n])
  })
  it('a wide decimal compares as a signed number, not as bytes', () => {
    const type = { kind: 'decimal', precision: 38, scale: 0 } as const
    const { min_value, max_value } = statisticsOf(type, [1n, -1n, 300n, -(2n ** 70n)])
    expect([Number(min_value), Number(max_value)]).toEqual([-(2 ** 70), 300])
  })
  it('text compares by unsigned bytes, which is not the order of UTF-16', () => {
    // U+FF21 sorts after U+1F600 in UTF-16 and before it in UTF-8.
    const { min_value, max_value } = statisticsOf({ kind: 'utf8' }, ['b', '\u{1f600}', '\uff21', 'a', ''])
    expect([min_value, max_value]).toEqual([utf8(''), utf8('\u{1f600}')])
  })
  it('an enum has the bounds of its symbols that occur', () => {
    const type = { kind: 'enum', symbols: ['Z', 'M', 'A'] } as const
    const { min_value, max_value } = statisticsOf(type, ['M', 'Z', null])
    expect([min_value, max_value]).toEqual([utf8('M'), utf8('Z')])
  })
  it('booleans', () => {
    expect(statisticsOf({ kind: 'boolean' }, [true, true])).toMatchObject({ min_value: true, max_value: true })
    expect(statisticsOf({ kind: 'boolean' }, [true, false])).toMatchObject({ min_value: false, max_value: true })
  })
})

describe('floating point', () => {
  it.each(['float32', 'float64'] as const)('%s: zeros include both signs', (kind) => {
    for (const zero of [0, -0]) {
      const { min_value, max_value } = statisticsOf({ kind }, [zero])
      expect(Object.is(min_value, -0)).toBe(true)
      expect(Object.is(max_value, 0)).toBe(true)
    }
    expect(statisticsOf({ kind }, [-2, Infinity])).toMatchObject({ min_value: -2, max_value: Infinity })
  })
  it('one NaN leaves both bounds out', () => {
    for (const values of [[NaN], [1, NaN, 2], [NaN, null]]) {
      const { min_value, max_value, null_count } = statisticsOf({ kind: 'float64' }, values)
      expect([min_value, max_value]).toEqual([undefined, undefined])
      expect(null_count).toBe(BigInt(values.filter((v) => v === null).length))
    }
  })
})

describe('long bounds', () => {
  it('are cut at 64 bytes and the upper one is raised', () => {
    const statistics = statisticsOf({ kind: 'utf8' }, ['a'.repeat(100), 'z'.repeat(65)])
    expect(statistics.min_value).toEqual(utf8('a'.repeat(64)))
    expect(statistics.max_value).toEqual(utf8('z'.repeat(63) + '{'))
    expect(statistics).toMatchObject({ is_min_value_exact: false, is_max_value_exact: false })
    expect(statisticsOf({ kind: 'utf8' }, ['a'.repeat(64)])).toMatchObject({
      is_min_value_exact: true,
      is_max_value_exact: true,
    })
  })
  it('never end inside a character, skip surrogates and carry past the last code point', () => {
    const cut = (text: string): Bound => statisticsOf({ kind: 'utf8' }, [text]).max_value
    expect(cut('x'.repeat(63) + 'é' + 'y')).toEqual(utf8('x'.repeat(62) + 'y'))
    expect(cut('x'.repeat(61) + '\ud7ff' + 'y')).toEqual(utf8('x'.repeat(61) + '\ue000'))
    expect(cut('x'.repeat(60) + '\u{10ffff}' + 'y')).toEqual(utf8('x'.repeat(59) + 'y'))
    expect(cut('\u{10ffff}'.repeat(20))).toBeUndefined()
    expect(statisticsOf({ kind: 'utf8' }, ['x'.repeat(62) + '😀']).min_value).toEqual(utf8('x'.repeat(62)))
  })
  it('of bytes carry too, and are left out when nothing is larger', () => {
    const ff = (n: number): Uint8Array => new Uint8Array(n).fill(255)
    const long = Uint8Array.from([1, 2, ...ff(80)])
    expect(statisticsOf({ kind: 'binary' }, [long]).max_value).toEqual(Uint8Array.of(1, 3))
    const none = statisticsOf({ kind: 'binary' }, [ff(65)])
    expect(none.max_value).toBeUndefined()
    expect(none.min_value).toEqual(ff(64))
  })
  it('always enclose every value', () => {
    const compare = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b)
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 90 }),
      fc.string({ unit: fc.constantFrom('\u{10ffff}', '\ud7ff', 'é', 'a'), minLength: 50, maxLength: 90 }),
    )
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (values) => {
        const { min_value, max_value } = statisticsOf({ kind: 'utf8' }, values)
        for (const value of values) {
          expect(compare(min_value!, utf8(value))).toBeLessThanOrEqual(0)
          if (max_value) expect(compare(max_value, utf8(value))).toBeGreaterThanOrEqual(0)
        }
        if (max_value) new TextDecoder('utf-8', { fatal: true }).decode(max_value)
        new TextDecoder('utf-8', { fatal: true }).decode(min_value!)
      }),
      { seed: 5, numRuns: 300 },
    )
  })
})

describe('footer', () => {
  const schema: Schema = {
    fields: [
      { name: 'a', type: { kind: 'timestamp', unit: 'micro', utc: false }, nullable: false, fieldId: 3 },
      {
        name: 'm',
        type: { kind: 'map', keyFieldId: 5, value: { name: 'x', type: { kind: 'int32' }, nullable: true, fieldId: 6 } },
        nullable: true,
        fieldId: 4,
      },
      {
        name: 'l',
        type: { kind: 'list', item: { name: 'x', type: { kind: 'uuid' }, nullable: false, fieldId: 8 } },
        nullable: true,
        fieldId: 7,
      },
    ],
  }
  const encoder = createParquetEncoder(schema, {
    keyValueMetadata: { 'sluice.offsets': '0-10', b: 'ä' },
    rowGroupRows: 2,
  })
  encoder.append(
    makeBatch(
      schema,
      [1n, 2n, 3n].map((a) => ({ a, m: [['k', 1]], l: ['00000000-0000-0000-0000-00000000000a'] })),
    ),
  )
  const file = encoder.finish()
  const metadata = parquetMetadata(file.slice().buffer)

  it('has field ids and both kinds of annotation', () => {
    expect(metadata.schema.map(({ name, field_id }) => [name, field_id])).toEqual([
      ['schema', undefined],
      ['a', 3],
      ['m', 4],
      ['key_value', undefined],
      ['key', 5],
      ['value', 6],
      ['l', 7],
      ['list', undefined],
      ['element', 8],
    ])
    expect(metadata.schema[1]).toMatchObject({
      converted_type: 'TIMESTAMP_MICROS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' },
      repetition_type: 'REQUIRED',
    })
    expect(metadata.schema[8]).toMatchObject({ type_length: 16, logical_type: { type: 'UUID' } })
  })
  it('carries key-value metadata, the encoder version and consistent sizes', () => {
    expect(metadata.key_value_metadata).toEqual([
      { key: 'sluice.offsets', value: '0-10' },
      { key: 'b', value: 'ä' },
    ])
    expect(metadata.created_by).toContain(PARQUET_ENCODER_VERSION)
    expect(parquetEncoderId()).toBe(`${PARQUET_ENCODER_VERSION} zstd/${process.versions['zstd']}`)
    expect(metadata.row_groups.map(({ num_rows }) => num_rows)).toEqual([2n, 1n])
    let offset = 4n
    for (const group of metadata.row_groups) {
      for (const { meta_data } of group.columns) {
        expect(meta_data!.dictionary_page_offset ?? meta_data!.data_page_offset).toBe(offset)
        offset += meta_data!.total_compressed_size
      }
    }
    expect(offset).toBe(BigInt(file.length - 8 - metadata.metadata_length))
  })
  it('is read back', async () => {
    const buffer = file.slice().buffer
    const rows = await parquetReadObjects({
      file: { byteLength: buffer.byteLength, slice: (a, b) => buffer.slice(a, b) },
      compressors: { ZSTD: (page) => zstdDecompressSync(page) },
      columns: ['l'],
    })
    expect(rows.at(-1)).toEqual({ l: ['00000000-0000-0000-0000-00000000000a'] })
  })
})
