import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../src/byte-writer.ts'
import { writeFlags, writeHybrid } from '../src/parquet/rle-hybrid.ts'

/** Reads `count` values of `width` bits as the format describes them. */
function readHybrid(bytes: Uint8Array, width: number, count: number): number[] {
  const values: number[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  while (values.length < count) {
    const header = varint()
    if (header % 2 === 0) {
      let value = 0
      for (let i = 0; i < Math.ceil(width / 8); i++) value += bytes[at++]! * 2 ** (8 * i)
      for (let i = 0; i < header / 2; i++) values.push(value)
      continue
    }
    const bits = ((header - 1) / 2) * 8 * width
    for (let bit = 0; bit < bits; bit += width) {
      let value = 0
      for (let i = 0; i < width; i++) value |= ((bytes[at + ((bit + i) >> 3)]! >> ((bit + i) & 7)) & 1) << i
      values.push(value)
    }
    at += bits / 8
  }
  expect(at).toBe(bytes.length)
  expect(values.slice(count).every((value) => value === 0)).toBe(true)
  return values.slice(0, count)
}

/** Values with repeats of all lengths between them. */
const runsOf = (width: number) =>
  fc
    .array(fc.tuple(fc.nat(2 ** width - 1), fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 30 }))), {
      maxLength: 30,
    })
    .map((runs) => runs.flatMap(([value, times]) => Array.from({ length: times }, () => value)))

function written(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter(1)
  write(out)
  return out.view().slice()
}

describe('the hybrid of runs and packed groups', () => {
  it.each(Array.from({ length: 16 }, (_, i) => i + 1))('gives the values back, at %i bits', (width) => {
    fc.assert(
      fc.property(runsOf(width), fc.nat(7), (all, skipped) => {
        const values = Uint16Array.from(all)
        const from = Math.min(skipped, values.length)
        const bytes = written((out) => writeHybrid(out, values, from, values.length, width))
        expect(readHybrid(bytes, width, values.length - from)).toEqual(all.slice(from))
      }),
    )
  })

  it('is the same for flags, byte for byte', () => {
    fc.assert(
      fc.property(runsOf(1), fc.nat(7), (all, skipped) => {
        const flags = Uint8Array.from(all)
        const from = Math.min(skipped, flags.length)
        const expected = written((out) => writeHybrid(out, flags, from, flags.length, 1))
        expect(written((out) => writeFlags(out, flags, from, flags.length))).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })
})
