import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createParquetEncoder, type ParquetEncoderOptions } from '../src/parquet/parquet-encoder.ts'
import { everyTypeRows, everyTypeSchema } from './every-type.ts'
import { makeBatch } from './make-batch.ts'

const ROWS = everyTypeRows(400)
const WHOLE = makeBatch(everyTypeSchema, ROWS)

function encodeWhole(options: ParquetEncoderOptions): Uint8Array {
  const encoder = createParquetEncoder(everyTypeSchema, options)
  encoder.append(WHOLE)
  return encoder.finish()
}

it('gives the same bytes however rows are split into batches and selections', () => {
  const options: ParquetEncoderOptions[] = [
    {},
    { rowGroupRows: 150, pageBytes: 128 },
    { rowGroupBytes: 30_000 },
    { dictionary: false, compression: 'snappy' },
  ]
  const whole = options.map(encodeWhole)
  fc.assert(
    fc.property(
      fc.array(fc.record({ rows: fc.integer({ min: 0, max: 120 }), select: fc.boolean() }), { maxLength: 8 }),
      fc.nat(options.length - 1),
      (pieces, which) => {
        const encoder = createParquetEncoder(everyTypeSchema, options[which])
        let from = 0
        for (const piece of [...pieces, { rows: ROWS.length, select: false }]) {
          const to = Math.min(ROWS.length, from + piece.rows)
          const selection = Int32Array.from({ length: to - from }, (_, k) => from + k)
          if (piece.select) encoder.append(WHOLE, selection)
          else encoder.append(makeBatch(everyTypeSchema, ROWS.slice(from, to)))
          from = to
        }
        expect(encoder.rows).toBe(ROWS.length)
        expect(Buffer.from(encoder.finish()).equals(whole[which]!)).toBe(true)
      },
    ),
    { seed: 3, numRuns: 60 },
  )
})

it('gives the same estimates however rows are split', () => {
  const one = createParquetEncoder(everyTypeSchema, { rowGroupRows: 150 })
  const many = createParquetEncoder(everyTypeSchema, { rowGroupRows: 150 })
  one.append(WHOLE)
  for (let row = 0; row < ROWS.length; row += 7) many.append(makeBatch(everyTypeSchema, ROWS.slice(row, row + 7)))
  expect(many.estimatedBytes).toBe(one.estimatedBytes)
  const size = one.finish().length
  expect(one.estimatedBytes).toBeLessThanOrEqual(size)
  expect(many.bufferedBytes).toBeGreaterThan(0)
})

it('keeps the bytes of this encoder version', () => {
  // A change here is a change of format: raise PARQUET_ENCODER_VERSION with it. Uncompressed, because the compressors
  // are parts of Node and of a package and change with them.
  const sha256 = createHash('sha256')
    .update(encodeWhole({ compression: 'none' }))
    .digest('hex')
  expect(sha256).toBe('15b11f7bf69fb3d04e0738516c95a88b62e5934b80c887d459f4fe7a0922a7bf')
})

it('does not touch the batches, the selection or the options', () => {
  const options = Object.freeze({ keyValueMetadata: Object.freeze({ a: '1' }) })
  const before = JSON.stringify(WHOLE, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  const encoder = createParquetEncoder(Object.freeze({ ...everyTypeSchema }), options)
  encoder.append(WHOLE)
  encoder.finish()
  expect(JSON.stringify(WHOLE, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).toBe(before)
})
