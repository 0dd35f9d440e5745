import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Column, ColumnBatch, ColumnValues, DataType, Schema } from '@sluice/columnar'

/** Rows that wait, in one compressed piece of memory: a batch has some fifty objects besides its buffers. */
export interface PackedRows {
  readonly schema: Schema
  readonly length: number
  /** Size of the buffers when unpacked, bytes. */
  readonly rawBytes: number
  readonly bytes: Uint8Array
}

/** Buffers lie one after the other, each at a multiple of this, so that they can be read in place. */
const alignment = 8
const fastest = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/**
 * Layout before compression: length and number of nulls of each column, in pre-order (Int32 each), then the buffers in the same
 * order: validity when there are nulls, offsets, values. Sizes follow from these and the schema.
 */
export function packRows(batch: ColumnBatch): PackedRows {
  const head: number[] = []
  const buffers: Uint8Array[] = []
  const visit = ({ length, nullCount, validity, offsets, values, children }: Column): void => {
    head.push(length, nullCount)
    for (const buffer of [nullCount > 0 ? validity : undefined, offsets, values]) {
      if (buffer !== undefined) buffers.push(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength))
    }
    children?.forEach(visit)
  }
  batch.columns.forEach(visit)
  const headBytes = new Uint8Array(Int32Array.from(head).buffer)
  const rawBytes = buffers.reduce((sum, buffer) => sum + aligned(buffer.length), aligned(headBytes.length))
  const raw = Buffer.allocUnsafeSlow(rawBytes).fill(0)
  let at = 0
  for (const buffer of [headBytes, ...buffers]) {
    raw.set(buffer, at)
    at += aligned(buffer.length)
  }
  // Exactly sized: what the compressor returns may be a view of a larger buffer.
  return { schema: batch.schema, length: batch.length, rawBytes, bytes: new Uint8Array(zstdCompressSync(raw, fastest)) }
}

export function unpackRows({ schema, length, rawBytes, bytes }: PackedRows): ColumnBatch {
  const inflated = zstdDecompressSync(bytes)
  const raw = inflated.byteOffset % alignment === 0 ? inflated : new Uint8Array(inflated)
  if (raw.length !== rawBytes) throw new TypeError(`packed rows have ${raw.length} bytes instead of ${rawBytes}`)
  const columns = countColumns(schema.fields.map(({ type }) => type))
  const head = new Int32Array(raw.buffer, raw.byteOffset, 2 * columns)
  let next = 0
  let at = aligned(head.byteLength)
  const place = (byteLength: number): number => {
    const from = raw.byteOffset + at
    at += aligned(byteLength)
    return from
  }
  const read = (type: DataType): Column => {
    const rows = head[next]!
    const nullCount = head[next + 1]!
    next += 2
    const bits = (rows + 7) >> 3
    const validity = nullCount > 0 ? { validity: new Uint8Array(raw.buffer, place(bits), bits) } : {}
    const varies = type.kind === 'utf8' || type.kind === 'binary'
    const offsets =
      varies || type.kind === 'list' || type.kind === 'map'
        ? new Int32Array(raw.buffer, place(4 * (rows + 1)), rows + 1)
        : undefined
    const values = readValues(type, varies ? offsets![rows]! : rows, raw.buffer, place)
    return {
      type,
      length: rows,
      nullCount,
      ...validity,
      ...(offsets !== undefined && { offsets }),
      ...(values !== undefined && { values }),
      ...childrenOf(type, read),
    }
  }
  return { schema, length, columns: schema.fields.map(({ type }) => read(type)) }
}

function childrenOf(type: DataType, read: (type: DataType) => Column): { readonly children?: readonly Column[] } {
  const types = childTypes(type)
  return types.length === 0 && type.kind !== 'struct' ? {} : { children: types.map(read) }
}

function childTypes(type: DataType): readonly DataType[] {
  if (type.kind === 'list') return [type.item.type]
  if (type.kind === 'map') return [{ kind: 'utf8' }, type.value.type]
  return type.kind === 'struct' ? type.fields.map((field) => field.type) : []
}

function countColumns(types: readonly DataType[]): number {
  return types.reduce((sum, type) => sum + 1 + countColumns(childTypes(type)), 0)
}

function readValues(
  type: DataType,
  count: number,
  buffer: ArrayBufferLike,
  place: (byteLength: number) => number,
): ColumnValues | undefined {
  switch (type.kind) {
    case 'null':
    case 'list':
    case 'map':
    case 'struct':
      return undefined
    case 'boolean':
      return new Uint8Array(buffer, place((count + 7) >> 3), (count + 7) >> 3)
    case 'fixed':
      return new Uint8Array(buffer, place(type.size * count), type.size * count)
    case 'uuid':
    case 'decimal':
      return new Uint8Array(buffer, place(16 * count), 16 * count)
    case 'utf8':
    case 'binary':
      return new Uint8Array(buffer, place(count), count)
    case 'float32':
      return new Float32Array(buffer, place(4 * count), count)
    case 'float64':
      return new Float64Array(buffer, place(8 * count), count)
    case 'int32':
    case 'date':
    case 'enum':
      return new Int32Array(buffer, place(4 * count), count)
    case 'time':
      if (type.unit === 'milli') return new Int32Array(buffer, place(4 * count), count)
      return new BigInt64Array(buffer, place(8 * count), count)
    case 'int64':
    case 'timestamp':
      return new BigInt64Array(buffer, place(8 * count), count)
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment
}
