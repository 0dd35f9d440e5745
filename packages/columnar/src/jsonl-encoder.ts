import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { ByteWriter } from './byte-writer.ts'
import { ColumnarError } from './errors.ts'
import {
  floatText,
  int64Value,
  writeAscii,
  writeBase64,
  writeDate,
  writeDecimal,
  writeInteger,
  writeIntegerText,
  writeJsonString,
  writeTime,
  writeTimestamp,
  writeUuid,
} from './json-text.ts'
import { batchChecker, requireRows } from './schema-match.ts'
import type { Column, ColumnValues, DataType, Field, FileEncoder, Schema } from './types.ts'

/** Version of the bytes this encoder writes; see `PARQUET_ENCODER_VERSION`. */
export const JSONL_ENCODER_VERSION = 'sluice-jsonl/1'

export interface JsonlEncoderOptions {
  /**
   * `gzip` compresses each MiB of text as it fills, one member after the other, which every gzip reader joins; `zstd`
   * keeps the text until the end, because many readers stop after the first frame. Default `none`.
   */
  readonly compression?: 'none' | 'gzip' | 'zstd'
  /** `omit` leaves out null fields of records and structs; elements of lists and maps stay. Default `write`. */
  readonly nulls?: 'write' | 'omit'
  /** Decimals as strings, exact in every reader, or as number text. Default `string`. */
  readonly decimals?: 'string' | 'number'
  /** NaN and infinities as the strings "NaN", "Infinity", "-Infinity" (as in ProtoJSON), or as null. Default `string`. */
  readonly nonFinite?: 'string' | 'null'
}

/** Writes the value at a position of the column it was last bound to. */
interface ValueWriter {
  bind(column: Column): void
  /** Whether the value at `position` is null. */
  isNull(position: number): boolean
  /** Writes the value, which is not null. */
  write(position: number): void
}

/** Text that is compressed as one member; the line that crosses it is included. */
const MEMBER_BYTES = 1024 * 1024
const EXTENSIONS = { none: 'jsonl', gzip: 'jsonl.gz', zstd: 'jsonl.zst' } as const
const NULL_TEXT = 'null'

/**
 * Encodes column batches as JSON Lines, straight from column buffers to bytes: one object per line, fields in schema
 * order, UTF-8, each line ended by `\n`.
 *
 * | type | text |
 * | --- | --- |
 * | int32, int64 | number, all digits |
 * | float32, float64 | shortest number that reads back equal; see `nonFinite` |
 * | decimal | string with all digits of its scale; see `decimals` |
 * | date, time, timestamp | `2026-11-21`, `10:00:00.000`, `2026-11-21T10:00:00.000Z`: 3, 6 or 9 digits by unit; no `Z` when local |
 * | binary, fixed | base64 |
 * | uuid, enum, utf8 | string |
 * | list; map, struct | array; object |
 *
 * Bytes depend on rows, order and options only, whatever the batches.
 * @throws {ColumnarError} JSONL_OPTION here; BATCH_SCHEMA, BATCH_VALUE, ROW_RANGE, ENCODER_FINISHED later
 */
export function createJsonlEncoder(schema: Schema, options: JsonlEncoderOptions = {}): FileEncoder {
  const { compression = 'none', nulls = 'write', decimals = 'string', nonFinite = 'string' } = options
  requireChoice('compression', compression, ['none', 'gzip', 'zstd'])
  requireChoice('nulls', nulls, ['write', 'omit'])
  requireChoice('decimals', decimals, ['string', 'number'])
  requireChoice('nonFinite', nonFinite, ['string', 'null'])

  const out = new ByteWriter(64 * 1024)
  const check = batchChecker(schema)
  const record = structWriter(out, schema.fields, { omitNulls: nulls === 'omit', decimals, nonFinite })
  const members: Uint8Array[] = []
  let memberBytes = 0
  let memberText = 0
  /** Compressed bytes per byte of text: a usual figure until some text was compressed. */
  let ratio = compression === 'none' ? 1 : 0.25
  let rows = 0
  let state: 'open' | 'failed' | 'finished' = 'open'

  function requireOpen(): void {
    if (state !== 'open')
      throw new ColumnarError('ENCODER_FINISHED', `The JSONL encoder has ${state}; make a new one for the next file.`)
  }

  function closeMember(): void {
    const text = out.view()
    const member = compression === 'gzip' ? gzip(text) : compression === 'zstd' ? zstd(text) : text.slice()
    members.push(member)
    memberBytes += member.length
    if (compression === 'gzip') ratio = memberBytes / (memberText += out.length)
    out.length = 0
  }

  return {
    extension: EXTENSIONS[compression],
    get rows() {
      return rows
    },
    get estimatedBytes() {
      return memberBytes + Math.ceil(out.length * ratio)
    },
    get bufferedBytes() {
      return memberBytes + out.bytes.length
    },
    append(batch, selection) {
      requireOpen()
      check(batch)
      if (selection) requireRows(selection, batch.length)
      state = 'failed'
      record.bind(batch.columns)
      const total = selection?.length ?? batch.length
      for (let k = 0; k < total; k++) {
        record.write(selection ? selection[k]! : k)
        out.byte(0x0a)
        rows++
        if (out.length >= MEMBER_BYTES && compression !== 'zstd') closeMember()
      }
      state = 'open'
    },
    finish() {
      requireOpen()
      state = 'finished'
      if (out.length > 0 || (members.length === 0 && compression !== 'none')) closeMember()
      const file = new Uint8Array(memberBytes)
      let at = 0
      for (const member of members) {
        file.set(member, at)
        at += member.length
      }
      members.length = 0
      return file
    },
  }
}

function gzip(text: Uint8Array): Uint8Array {
  const member = gzipSync(text, { level: 6 })
  // RFC 1952: byte 9 names the operating system; 255 (unknown) gives every machine the same bytes.
  member[9] = 255
  return member
}

function zstd(text: Uint8Array): Uint8Array {
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 1 } })
}

interface TextOptions {
  readonly omitNulls: boolean
  readonly decimals: 'string' | 'number'
  readonly nonFinite: 'string' | 'null'
}

function structWriter(out: ByteWriter, fields: readonly Field[], options: TextOptions) {
  const writers = fields.map((field) => valueWriter(out, field.type, options))
  const names = fields.map((field) => {
    const name = new ByteWriter()
    const text = new TextEncoder().encode(field.name)
    writeJsonString(name, text, 0, text.length)
    name.byte(0x3a)
    return name.view()
  })
  return {
    bind(columns: readonly Column[]): void {
      for (let i = 0; i < writers.length; i++) writers[i]!.bind(columns[i]!)
    },
    write(position: number): void {
      out.byte(0x7b)
      let written = 0
      for (let i = 0; i < writers.length; i++) {
        const writer = writers[i]!
        const absent = writer.isNull(position)
        if (absent && options.omitNulls) continue
        if (written++ > 0) out.byte(0x2c)
        out.append(names[i]!)
        if (absent) writeAscii(out, NULL_TEXT)
        else writer.write(position)
      }
      out.byte(0x7d)
    },
  }
}

function valueWriter(out: ByteWriter, type: DataType, options: TextOptions): ValueWriter {
  const write = bodyWriter(out, type, options)
  let validity: Uint8Array | undefined
  return {
    bind(column) {
      validity = column.nullCount > 0 ? column.validity : undefined
      write.bind(column)
    },
    isNull: (position) =>
      type.kind === 'null' || (validity !== undefined && ((validity[position >>> 3]! >>> (position & 7)) & 1) === 0),
    write: write.write,
  }
}

type BodyWriter = Omit<ValueWriter, 'isNull'>

/** A writer over one typed array of the column. */
function over<T extends ColumnValues>(write: (values: T, position: number) => void): BodyWriter {
  let values: T
  return {
    bind(column) {
      values = column.values as T
    },
    write: (position) => write(values, position),
  }
}

/** A writer over the range `[start, end)` that the offsets give. */
function overRanges(
  bindMore: (column: Column) => void,
  write: (start: number, end: number, column: Column) => void,
): BodyWriter {
  let bound: Column
  let offsets: Int32Array
  return {
    bind(column) {
      bound = column
      offsets = column.offsets!
      bindMore(column)
    },
    write: (position) => write(offsets[position]!, offsets[position + 1]!, bound),
  }
}

/** A writer over 64-bit values, read as two words so that those within ±2^53 need no bigint. */
function overInt64(write: (value: number | bigint) => void): BodyWriter {
  let words: Int32Array
  return {
    bind({ values }) {
      const { buffer, byteOffset, byteLength } = values!
      words = new Int32Array(buffer, byteOffset, byteLength / 4)
    },
    write: (position) => write(int64Value(words[2 * position]!, words[2 * position + 1]!)),
  }
}

const DIGITS = { milli: 3, micro: 6, nano: 9 } as const

function bodyWriter(out: ByteWriter, type: DataType, options: TextOptions): BodyWriter {
  const quoted = (write: () => void): void => {
    out.byte(0x22)
    write()
    out.byte(0x22)
  }
  const nothing = (): void => undefined
  switch (type.kind) {
    case 'null':
      return { bind: nothing, write: () => writeAscii(out, NULL_TEXT) }
    case 'boolean':
      return over<Uint8Array>((bits, i) => writeAscii(out, (bits[i >>> 3]! >>> (i & 7)) & 1 ? 'true' : 'false'))
    case 'int32':
      return over<Int32Array>((values, i) => writeInteger(out, values[i]!))
    case 'int64':
      return overInt64((value) => writeIntegerText(out, value))
    case 'float32':
    case 'float64': {
      const single = type.kind === 'float32'
      return over<Float64Array>((values, i) => {
        const value = values[i]!
        if (Number.isFinite(value)) writeAscii(out, floatText(value, single))
        else writeAscii(out, options.nonFinite === 'null' ? NULL_TEXT : `"${value}"`)
      })
    }
    case 'utf8':
      return overRanges(nothing, (start, end, column) => writeJsonString(out, column.values as Uint8Array, start, end))
    case 'binary':
      return overRanges(nothing, (start, end, column) =>
        quoted(() => writeBase64(out, column.values as Uint8Array, start, end)),
      )
    case 'fixed': {
      const { size } = type
      return over<Uint8Array>((bytes, i) => quoted(() => writeBase64(out, bytes, i * size, (i + 1) * size)))
    }
    case 'uuid':
      return over<Uint8Array>((bytes, i) => quoted(() => writeUuid(out, bytes, i * 16)))
    case 'enum': {
      const texts = type.symbols.map((symbol) => {
        const text = new ByteWriter()
        const bytes = new TextEncoder().encode(symbol)
        writeJsonString(text, bytes, 0, bytes.length)
        return text.view()
      })
      return over<Int32Array>((values, i) => {
        const text = texts[values[i]!]
        if (!text) throw new ColumnarError('BATCH_VALUE', `Row ${i}: enum index ${values[i]} has no symbol.`)
        out.append(text)
      })
    }
    case 'decimal': {
      const { scale } = type
      return over<Uint8Array>((bytes, i) => {
        const unscaled = decimalValue(bytes, 16 * i)
        if (options.decimals === 'string') quoted(() => writeDecimal(out, unscaled, scale))
        else writeDecimal(out, unscaled, scale)
      })
    }
    case 'date':
      return over<Int32Array>((values, i) => quoted(() => writeDate(out, values[i]!)))
    case 'time':
      if (type.unit === 'milli')
        return over<Int32Array>((values, i) =>
          quoted(() => writeTime(out, Math.floor(values[i]! / 1000), values[i]! % 1000, 3)),
        )
      return overInt64((value) => quoted(() => writeTime(out, Math.floor(Number(value) / 1e6), Number(value) % 1e6, 6)))
    case 'timestamp':
      return overInt64((value) =>
        quoted(() => {
          writeTimestamp(out, value, DIGITS[type.unit])
          if (type.utc) out.byte(0x5a)
        }),
      )
    case 'list': {
      const item = valueWriter(out, type.item.type, options)
      return overRanges(
        (column) => item.bind(column.children![0]!),
        (start, end) => {
          out.byte(0x5b)
          for (let i = start; i < end; i++) {
            if (i > start) out.byte(0x2c)
            if (item.isNull(i)) writeAscii(out, NULL_TEXT)
            else item.write(i)
          }
          out.byte(0x5d)
        },
      )
    }
    case 'map': {
      const key = valueWriter(out, { kind: 'utf8' }, options)
      const value = valueWriter(out, type.value.type, options)
      return overRanges(
        (column) => {
          key.bind(column.children![0]!)
          value.bind(column.children![1]!)
        },
        (start, end) => {
          out.byte(0x7b)
          for (let i = start; i < end; i++) {
            if (i > start) out.byte(0x2c)
            key.write(i)
            out.byte(0x3a)
            if (value.isNull(i)) writeAscii(out, NULL_TEXT)
            else value.write(i)
          }
          out.byte(0x7d)
        },
      )
    }
    case 'struct': {
      const struct = structWriter(out, type.fields, options)
      return { bind: (column) => struct.bind(column.children!), write: struct.write }
    }
  }
}

/** A 16-byte little-endian decimal: a number within ±2^53, else a bigint. */
function decimalValue(bytes: Uint8Array, start: number): number | bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, 16)
  const upper = view.getBigInt64(8, true)
  const value = int64Value(view.getInt32(0, true), view.getInt32(4, true))
  if (upper === 0n && value >= 0) return value
  if (upper === -1n && value < 0) return value
  return (upper << 64n) | view.getBigUint64(0, true)
}

function requireChoice(name: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value))
    throw new ColumnarError('JSONL_OPTION', `JSONL option ${name} must be one of ${choices.join(', ')}.`)
}
