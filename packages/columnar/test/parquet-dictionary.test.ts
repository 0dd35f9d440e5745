import { afterAll, beforeAll, expect, it } from 'vitest'
import { hashBytes } from '../src/parquet/byte-slab.ts'
import { createParquetEncoder } from '../src/parquet/parquet-encoder.ts'
import type { Schema } from '../src/types.ts'
import { openDuckdb, type DuckdbReader } from './duckdb-rows.ts'
import { makeBatch } from './make-batch.ts'

let duckdb: DuckdbReader
beforeAll(async () => {
  duckdb = await openDuckdb()
})
afterAll(() => duckdb.close())

const schema: Schema = { fields: [{ name: 'x', type: { kind: 'utf8' }, nullable: false }] }

/** Writes each value three times, so that a dictionary pays, and reads the file back. */
async function writtenAndRead(values: readonly string[]): Promise<unknown[]> {
  const rows = [...values, ...values, ...values].map((x) => ({ x }))
  const encoder = createParquetEncoder(schema, { compression: 'none' })
  encoder.append(makeBatch(schema, rows))
  const bytes = encoder.finish()
  const path = duckdb.file(bytes)
  const [[encodings]] = (await duckdb.query(`SELECT encodings FROM parquet_metadata('${path}')`)) as [[string]]
  expect(encodings).toContain('DICTIONARY')
  return (await duckdb.rows(bytes, schema)).map(({ x }) => x)
}

it('tells values of any length apart that differ in one byte, wherever it is', async () => {
  const values = Array.from({ length: 41 }, (_, length) => {
    const same = 'm'.repeat(length)
    const others = Array.from({ length }, (_, at) =>
      ['l', 'n'].map((other) => same.slice(0, at) + other + same.slice(at + 1)),
    )
    return [same, ...others.flat()]
  }).flat()
  expect(await writtenAndRead(values)).toEqual([...values, ...values, ...values])
})

it.each([
  { length: 6, same: 0 },
  { length: 12, same: 4 },
  { length: 16, same: 4 },
  { length: 30, same: 8 },
])(
  'keeps values of $length bytes apart whose hashes and first and last $same bytes are the same',
  async ({ length, same }) => {
    const known = new Map<number, string>()
    const alike: string[] = []
    let state = 88_172_645
    for (let n = 0; alike.length < 6; n++) {
      expect(n).toBeLessThan(1_000_000)
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      const middle = `${(state >>> 0).toString(36)}${n.toString(36)}`.padEnd(length, '.').slice(0, length - 2 * same)
      const value = middle.padStart(length - same, '<').padEnd(length, '>')
      const bytes = Buffer.from(value)
      const hash = hashBytes(new DataView(bytes.buffer, bytes.byteOffset, length), 0, length)
      const other = known.get(hash)
      if (other !== undefined && other !== value) alike.push(other, value)
      known.set(hash, value)
    }
    expect(await writtenAndRead(alike)).toEqual([...alike, ...alike, ...alike])
  },
)
