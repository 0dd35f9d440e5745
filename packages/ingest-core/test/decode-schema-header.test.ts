import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { HEADER_GUID, HEADER_INVALID, HEADER_NONE, readHeaderSchemaId } from '../src/decode/schema-header.ts'

function varint(value: number): number[] {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0
  const out: number[] = []
  while (raw > 0x7f) {
    out.push((raw & 0x7f) | 0x80)
    raw >>>= 7
  }
  return [...out, raw]
}

function section(headers: readonly (readonly [string, number[] | null])[]): Uint8Array {
  const parts = headers.flatMap(([key, value]) => {
    const name = [...new TextEncoder().encode(key)]
    return [...varint(name.length), ...name, ...varint(value === null ? -1 : value.length), ...(value ?? [])]
  })
  return Uint8Array.from([...varint(headers.length), ...parts])
}

const read = (headers: readonly (readonly [string, number[] | null])[]) => {
  const bytes = section(headers)
  return readHeaderSchemaId(bytes, 0, bytes.length)
}

describe('schema ids in headers (fault 44)', () => {
  it('reads an id, wherever the header stands', () => {
    expect(read([['__value_schema_id', [0, 0, 0, 1, 2]]])).toBe(258)
    expect(
      read([
        ['trace', null],
        ['a', []],
        ['__value_schema_id', [0, 255, 255, 255, 255]],
      ]),
    ).toBe(0xffff_ffff)
  })

  it('tells a GUID and anything else apart', () => {
    expect(read([['__value_schema_id', [1, ...Array<number>(16).fill(7)]]])).toBe(HEADER_GUID)
    expect(read([['__value_schema_id', [1, 2]]])).toBe(HEADER_INVALID)
    expect(read([['__value_schema_id', null]])).toBe(HEADER_INVALID)
  })

  it('finds none where there is none', () => {
    expect(read([])).toBe(HEADER_NONE)
    expect(
      read([
        ['__value_schema_ix', [0, 0, 0, 0, 1]],
        ['__key_schema_id', [0, 0, 0, 0, 1]],
      ]),
    ).toBe(HEADER_NONE)
  })

  it('stays inside any bytes', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(readHeaderSchemaId(bytes, 0, bytes.length)).toBeGreaterThanOrEqual(HEADER_INVALID)
    })
    fc.assert(property, { seed: 5, numRuns: 2000 })
  })
})
