import type { Column } from '../types.ts'
import { ColumnarError } from '../errors.ts'
import { byteBounds, compareBytes } from './bounds.ts'
import { giveMemory, noBytes, noShorts, roomierBytes, roomierShorts } from '../buffer-pool.ts'
import { ByteWriter } from '../byte-writer.ts'
import { Encoding } from './format.ts'
import { MAX_DICTIONARY_ENTRIES, type Bounds, type LeafStore, type SealedValues } from './leaf-store.ts'
import { bitWidth } from './rle-hybrid.ts'
import { fitFixed, writeIndices } from './word-store.ts'

/** Booleans: one byte each while collected, one bit in the file (PLAIN, LSB first). */
export function createBooleanStore(): LeafStore {
  let count = 0
  let values = noBytes
  return {
    get count() {
      return count
    },
    get heldBytes() {
      return values.byteLength
    },
    get encodedBytes() {
      return Math.ceil(count / 8)
    },
    append(column, at, n) {
      values = roomierBytes(values, count, count + n)
      const bits = column.values as Uint8Array
      for (let k = 0; k < n; k++) values[count++] = (bits[at[k]! >>> 3]! >>> (at[k]! & 7)) & 1
    },
    seal() {
      const present = values.subarray(0, count)
      const bounds: Bounds = {
        min: Uint8Array.of(present.includes(0) ? 0 : 1),
        max: Uint8Array.of(present.includes(1) ? 1 : 0),
        minExact: true,
        maxExact: true,
      }
      return {
        encoding: Encoding.PLAIN,
        ...(count > 0 ? { bounds } : {}),
        fit: (from, maxBytes) => fitFixed(from, count, maxBytes, 1 / 8),
        write(out, from, to) {
          const bytes = out.reserve((to - from + 7) >>> 3)
          for (let i = from; i < to; i += 8) {
            let bits = 0
            for (let j = Math.min(7, to - i - 1); j >= 0; j--) bits = (bits << 1) | values[i + j]!
            bytes[out.length++] = bits
          }
        },
      }
    },
    clear() {
      count = 0
    },
    release() {
      giveMemory(values.buffer)
      values = noBytes
      count = 0
    },
  }
}

/**
 * Enums: the column's symbol indices become the dictionary's. The dictionary page holds the symbols that occur in the
 * row group, in the order of the schema.
 * @throws {ColumnarError} BATCH_VALUE when an index has no symbol; PARQUET_SCHEMA above 65536 symbols.
 */
export function createEnumStore(symbols: readonly string[], dictionary: boolean): LeafStore {
  if (symbols.length > MAX_DICTIONARY_ENTRIES)
    throw new ColumnarError(
      'PARQUET_SCHEMA',
      `Parquet schema: an enum has ${symbols.length} symbols; at most 65536 fit.`,
    )
  const encoder = new TextEncoder()
  const texts = symbols.map((symbol) => encoder.encode(symbol))
  const used = new Uint8Array(symbols.length)
  let count = 0
  let indices = noShorts

  function append(column: Column, at: Int32Array, n: number): void {
    indices = roomierShorts(indices, count, count + n)
    const values = column.values as Int32Array
    for (let k = 0; k < n; k++) {
      const index = values[at[k]!]!
      if (index >>> 0 >= symbols.length)
        throw new ColumnarError('BATCH_VALUE', `Row ${at[k]}: enum index ${index} has no symbol.`)
      used[index] = 1
      indices[count++] = index
    }
  }

  function seal(): SealedValues {
    const present = texts.flatMap((text, index) => (used[index] ? [{ text, index }] : []))
    const sorted = present.map(({ text }) => text).sort((a, b) => compareBytes(a, 0, a.length, b, 0, b.length, false))
    const bounds = sorted.length === 0 ? {} : { bounds: byteBounds(sorted[0]!, sorted.at(-1)!, true) }
    if (!dictionary || count === 0) {
      const widest = Math.max(1, ...present.map(({ text }) => text.length))
      return {
        encoding: Encoding.PLAIN,
        ...bounds,
        fit: (from, maxBytes) => fitFixed(from, count, maxBytes, widest + 4),
        write(out, from, to) {
          for (let i = from; i < to; i++) writeText(out, texts[indices[i]!]!)
        },
      }
    }
    const page = new ByteWriter()
    const places = new Uint16Array(symbols.length)
    present.forEach(({ text, index }, place) => {
      places[index] = place
      writeText(page, text)
    })
    const bits = bitWidth(present.length - 1)
    return {
      encoding: Encoding.RLE_DICTIONARY,
      dictionary: { bytes: page.view(), count: present.length },
      ...bounds,
      fit: (from, maxBytes) => fitFixed(from, count, maxBytes, bits / 8),
      write(out, from, to) {
        writeIndices(
          out,
          indices.subarray(from, to).map((index) => places[index]!),
          0,
          to - from,
          bits,
        )
      },
    }
  }

  return {
    get count() {
      return count
    },
    get heldBytes() {
      return indices.byteLength + used.byteLength
    },
    get encodedBytes() {
      return Math.ceil((count * bitWidth(symbols.length)) / 8)
    },
    append,
    seal,
    clear() {
      count = 0
      used.fill(0)
    },
    release() {
      giveMemory(indices.buffer)
      indices = noShorts
      count = 0
    },
  }
}

/** The `null` type: a column without a single value. */
export function createNullStore(): LeafStore {
  return {
    count: 0,
    heldBytes: 0,
    encodedBytes: 0,
    append: () => undefined,
    seal: () => ({ encoding: Encoding.PLAIN, fit: (from) => from, write: () => undefined }),
    clear: () => undefined,
    release: () => undefined,
  }
}

function writeText(out: ByteWriter, text: Uint8Array): void {
  out.int32(text.length)
  out.append(text)
}
