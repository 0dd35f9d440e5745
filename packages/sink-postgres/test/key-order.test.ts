import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { EncodedRows } from '../src/encode/encode-rows.ts'
import { flatten, keyOrder } from '../src/flush/key-order.ts'

/** Rows as the encoder writes them: count, offset, then key fields and one more, each with its length. */
function encoded(keys: readonly (readonly string[])[]): EncodedRows {
  const rows = keys.map((key) => {
    const fields = [...key, 'rest'].flatMap((text) => {
      const bytes = Buffer.from(text)
      const size = Buffer.alloc(4)
      size.writeInt32BE(bytes.length)
      return [size, bytes]
    })
    return Buffer.concat([Buffer.alloc(14), ...fields])
  })
  const starts = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => (starts[i + 1] = starts[i]! + row.length))
  return { bytes: Buffer.concat(rows), starts, offsets: new Float64Array(rows.length), length: rows.length }
}

const inParts = (keys: readonly (readonly string[])[], size: number): EncodedRows[] =>
  Array.from({ length: Math.ceil(keys.length / size) }, (_, i) => encoded(keys.slice(i * size, (i + 1) * size)))

const text = fc.string({ unit: fc.constantFrom('a', 'b', '\u00e9', '\ud83c\udf89', '0', '1'), maxLength: 12 })
const prefixed = fc.tuple(
  fc.constantFrom('', 'k', 'customer-', 'customer-with-a-long-name-'),
  fc.array(text, { maxLength: 30 }),
)

it('sorts by the bytes of the key, or says that one is there twice', () => {
  let sorted = 0
  let twice = 0
  fc.assert(
    fc.property(prefixed, fc.integer({ min: 1, max: 20 }), ([prefix, names], size) => {
      const keys = names.map((name) => [prefix + name])
      const order = keyOrder(flatten(inParts(keys, size)), 1)
      if (new Set(names).size < names.length) {
        twice += 1
        expect(order).toBeUndefined()
        return
      }
      sorted += 1
      const expected = keys
        .map((_, i) => i)
        .sort((a, b) => Buffer.compare(Buffer.from(keys[a]![0]!), Buffer.from(keys[b]![0]!)))
      expect([...order!]).toEqual(expected)
    }),
    { seed: 7, numRuns: 500 },
  )
  expect(sorted).toBeGreaterThan(20)
  expect(twice).toBeGreaterThan(20)
})

it('takes several fields for one key', () => {
  const of = (keys: string[][]): number[] | undefined => {
    const order = keyOrder(flatten([encoded(keys)]), 2)
    return order === undefined ? undefined : [...order]
  }
  expect(
    of([
      ['a', 'x'],
      ['a', 'w'],
      ['b', 'x'],
    ])?.sort(),
  ).toEqual([0, 1, 2])
  expect(
    of([
      ['a', 'x'],
      ['b', 'x'],
      ['a', 'x'],
    ]),
  ).toBeUndefined()
})

it('gives each row once, for any number of them', () => {
  for (const length of [1, 2, 3, 255, 256, 257, 20_000]) {
    const keys = Array.from({ length }, (_, i) => [`order-${(i * 7_919) % length}-of-many`])
    const order = keyOrder(flatten(inParts(keys, 4_000)), 1)!
    expect(new Set(order).size).toBe(length)
    const names = [...order].map((row) => keys[row]![0]!)
    expect(names).toEqual([...names].sort())
    if (length > 1) expect(keyOrder(flatten(inParts([...keys, keys[0]!], 4_000)), 1)).toBeUndefined()
  }
})
