import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENVELOPE_MAGIC, ENVELOPE_SHORT, frame, parseEnvelope, readSchemaId } from '../src/index.ts'

describe('Confluent wire format', () => {
  it('has the layout of the specification', () => {
    expect([...frame(0x01020304, Uint8Array.of(9, 8))]).toEqual([0, 1, 2, 3, 4, 9, 8])
  })

  it('gives back id and body', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.uint8Array(), (id, body) => {
        const bytes = frame(id, body)
        expect(parseEnvelope(bytes)).toEqual({ ok: true, schemaId: id, bodyStart: 5 })
        expect(bytes.subarray(5)).toEqual(body)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it('reads an id inside a larger slab without leaving the range', () => {
    const slab = Uint8Array.of(7, 7, 0, 0, 0, 0, 5, 1, 0)
    expect(readSchemaId(slab, 2, 7)).toBe(5)
    expect(readSchemaId(slab, 2, 6)).toBe(ENVELOPE_SHORT)
    expect(readSchemaId(slab, 0, 9)).toBe(ENVELOPE_MAGIC)
  })

  it.each([0, 1, 2, 3, 4])('input 2: %i bytes are envelope_short', (length) => {
    expect(parseEnvelope(new Uint8Array(length))).toMatchObject({ ok: false, code: 'envelope_short' })
  })

  it('input 3: JSON and other magic bytes are envelope_magic', () => {
    expect(parseEnvelope(Buffer.from('{"a":1}'))).toMatchObject({ ok: false, code: 'envelope_magic' })
    expect(parseEnvelope(Uint8Array.of(1, 0, 0, 0, 1))).toMatchObject({ ok: false, code: 'envelope_magic' })
  })

  it('input 4: an id with the sign bit set is a large number, never a negative code', () => {
    expect(readSchemaId(Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff))).toBe(2 ** 32 - 1)
  })

  it.each([-1, 1.5, 2 ** 32, NaN])('refuses the id %d', (id) => {
    expect(() => frame(id, new Uint8Array())).toThrow(TypeError)
  })
})
