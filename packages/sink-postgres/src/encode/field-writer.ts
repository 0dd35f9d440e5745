import type { Column, DataType } from '@sluice/columnar'
import { epochDays, epochMillis, lengthBytes } from './copy-format.ts'
import { decimalWriter } from './decimal.ts'
import { always, fixedWriter, null32 } from './fixed-writer.ts'
import type { FieldWriter, Present } from './fixed-writer.ts'
import { jsonLines } from './json-lines.ts'

/** @param skip rows (1) that are written as null, whatever they hold */
export function fieldWriter(column: Column, skip: Uint8Array | undefined): FieldWriter {
  const { type } = column
  const present = presenceOf(column, skip)
  switch (type.kind) {
    case 'null':
      return fixedWriter(column.length, 0, () => false, noValue)
    case 'boolean': {
      const bits = column.values as Uint8Array
      return fixedWriter(column.length, 1, present, (out, _view, at, row) => {
        out[at] = (bits[row >> 3]! >> (row & 7)) & 1
      })
    }
    case 'int32': {
      const values = column.values as Int32Array
      return fixedWriter(column.length, 4, present, (_out, view, at, row) => view.setInt32(at, values[row]!))
    }
    case 'date': {
      const values = column.values as Int32Array
      return fixedWriter(column.length, 4, present, (_out, view, at, row) =>
        view.setInt32(at, values[row]! - epochDays),
      )
    }
    case 'float32': {
      const values = column.values as Float32Array
      return fixedWriter(column.length, 4, present, (_out, view, at, row) => view.setFloat32(at, values[row]!))
    }
    case 'float64': {
      const values = column.values as Float64Array
      return fixedWriter(column.length, 8, present, (_out, view, at, row) => view.setFloat64(at, values[row]!))
    }
    case 'int64': {
      const words = wordsOf(column)
      return fixedWriter(column.length, 8, present, (_out, view, at, row) => {
        view.setInt32(at, words[2 * row + 1]!)
        view.setInt32(at + 4, words[2 * row]!)
      })
    }
    case 'time':
      return type.unit === 'milli' ? timeMillis(column, present) : wordsWriter(column, present)
    case 'timestamp':
      return timestampWriter(column, type, present)
    case 'uuid':
      return bytesWriter(column, 16, present)
    case 'fixed':
      return bytesWriter(column, type.size, present)
    case 'decimal':
      return decimalWriter(column, type, present)
    case 'utf8':
    case 'binary':
      return rangesWriter(column.length, column.offsets!, column.values as Uint8Array, present)
    case 'enum':
      return enumWriter(column, type.symbols, present)
    case 'list':
    case 'map':
    case 'struct':
      return jsonWriter(column, present)
  }
}

function presenceOf({ validity }: Column, skip: Uint8Array | undefined): Present {
  if (validity === undefined) return skip === undefined ? always : (row) => skip[row] === 0
  const valid: Present = (row) => (validity[row >> 3]! & (1 << (row & 7))) !== 0
  return skip === undefined ? valid : (row) => skip[row] === 0 && valid(row)
}

function noValue(): void {
  // Columns of nulls have nothing to write.
}

/** 64-bit values as 32-bit words, lowest first: no BigInt per row. */
export function wordsOf({ values }: Column): Int32Array {
  const { buffer, byteOffset, byteLength } = values as BigInt64Array
  return new Int32Array(buffer, byteOffset, byteLength / 4)
}

function wordsWriter(column: Column, present: Present): FieldWriter {
  const words = wordsOf(column)
  return fixedWriter(column.length, 8, present, (_out, view, at, row) => {
    view.setInt32(at, words[2 * row + 1]!)
    view.setInt32(at + 4, words[2 * row]!)
  })
}

function timeMillis(column: Column, present: Present): FieldWriter {
  const values = column.values as Int32Array
  return fixedWriter(column.length, 8, present, (_out, view, at, row) => {
    // At most 86,400,000,000: the product is exact.
    const micros = values[row]! * 1000
    view.setInt32(at, Math.floor(micros / two32))
    view.setInt32(at + 4, micros | 0)
  })
}

const two32 = 4_294_967_296
const epochMicros = epochMillis * 1000
const epochMicrosHigh = Math.floor(epochMicros / two32)
const epochMicrosLow = epochMicros - epochMicrosHigh * two32

function timestampWriter(
  column: Column,
  { unit }: Extract<DataType, { kind: 'timestamp' }>,
  present: Present,
): FieldWriter {
  const words = wordsOf(column)
  // PostgreSQL keeps microseconds: nanoseconds stay whole numbers in a bigint column.
  if (unit === 'nano') return wordsWriter(column, present)
  if (unit === 'micro') {
    return fixedWriter(column.length, 8, present, (_out, view, at, row) => {
      const low = (words[2 * row]! >>> 0) - epochMicrosLow
      view.setInt32(at, words[2 * row + 1]! - epochMicrosHigh - (low < 0 ? 1 : 0))
      view.setInt32(at + 4, low | 0)
    })
  }
  return fixedWriter(column.length, 8, present, (_out, view, at, row) => {
    // Limits were checked: the milliseconds are exact as a double, their thousandfold is not, so it is made in halves.
    const millis = words[2 * row + 1]! * two32 + (words[2 * row]! >>> 0) - epochMillis
    const high = Math.floor(millis / two32)
    const low = (millis - high * two32) * 1000
    const carry = Math.floor(low / two32)
    view.setInt32(at, high * 1000 + carry)
    view.setUint32(at + 4, low - carry * two32)
  })
}

function bytesWriter(column: Column, width: number, present: Present): FieldWriter {
  const bytes = column.values as Uint8Array
  return fixedWriter(column.length, width, present, (out, _view, at, row) =>
    copyBytes(bytes, row * width, (row + 1) * width, out, at),
  )
}

/** Values as ranges of one byte array. */
export function rangesWriter(length: number, offsets: Int32Array, bytes: Uint8Array, present: Present): FieldWriter {
  return {
    size(sizes) {
      for (let row = 0; row < length; row++) if (present(row)) sizes[row]! += offsets[row + 1]! - offsets[row]!
    },
    write(out, view, at) {
      for (let row = 0; row < length; row++) {
        const place = at[row]!
        if (!present(row)) {
          view.setInt32(place, null32)
          at[row] = place + lengthBytes
          continue
        }
        const start = offsets[row]!
        const end = offsets[row + 1]!
        view.setInt32(place, end - start)
        copyBytes(bytes, start, end, out, place + lengthBytes)
        at[row] = place + lengthBytes + end - start
      }
    },
  }
}

/** Short ranges by a loop: cheaper than a call that leaves JavaScript. */
function copyBytes(from: Uint8Array, start: number, end: number, out: Uint8Array, at: number): void {
  if (end - start > 64) {
    out.set(from.subarray(start, end), at)
    return
  }
  for (let i = start, to = at; i < end; i++, to++) out[to] = from[i]!
}

function enumWriter(column: Column, symbols: readonly string[], present: Present): FieldWriter {
  const indexes = column.values as Int32Array
  const texts = symbols.map((symbol) => new TextEncoder().encode(symbol))
  return {
    size(sizes) {
      for (let row = 0; row < column.length; row++) if (present(row)) sizes[row]! += texts[indexes[row]!]!.length
    },
    write(out, view, at) {
      for (let row = 0; row < column.length; row++) {
        const place = at[row]!
        if (!present(row)) {
          view.setInt32(place, null32)
          at[row] = place + lengthBytes
          continue
        }
        const text = texts[indexes[row]!]!
        view.setInt32(place, text.length)
        copyBytes(text, 0, text.length, out, place + lengthBytes)
        at[row] = place + lengthBytes + text.length
      }
    },
  }
}

/** jsonb on the wire is a version byte, 1, and the text. */
function jsonWriter(column: Column, present: Present): FieldWriter {
  const { bytes, starts, ends } = jsonLines(column)
  return {
    size(sizes) {
      for (let row = 0; row < column.length; row++) if (present(row)) sizes[row]! += ends[row]! - starts[row]! + 1
    },
    write(out, view, at) {
      for (let row = 0; row < column.length; row++) {
        const place = at[row]!
        if (!present(row)) {
          view.setInt32(place, null32)
          at[row] = place + lengthBytes
          continue
        }
        const size = ends[row]! - starts[row]! + 1
        view.setInt32(place, size)
        out[place + lengthBytes] = 1
        copyBytes(bytes, starts[row]!, ends[row]!, out, place + lengthBytes + 1)
        at[row] = place + lengthBytes + size
      }
    },
  }
}
