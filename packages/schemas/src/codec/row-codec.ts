import { decodeLimits, type DecodeLimits } from '@sluice/columnar'
import { parseSchema, type AvroNode } from '../avro/model.ts'
import type { AvroSchema } from '../contract.ts'
import { avscTypeOf } from './avsc-type.ts'
import { compileFromRow } from './from-row.ts'
import type { Row } from './row.ts'
import { compileToRow } from './to-row.ts'
import { compileWalk } from './walk.ts'

/** Encodes and decodes one value at a time, for the edges: dead letters, simulators, tests. */
export interface RowCodec<T = Row> {
  readonly writer: AvroNode
  readonly reader: AvroNode
  /**
   * Avro body of a row of the writer schema.
   * @throws {SchemaError} ROW_INVALID with the path of the field
   */
  encode(row: T): Uint8Array
  /**
   * Row of the reader schema. The whole of `bytes` must be one value; nothing is allocated before that is proven.
   * The row shares no memory with `bytes`.
   * @throws {DecodeError} with code and path
   */
  decode(bytes: Uint8Array): T
}

/**
 * Compiles a codec for data written with `writer`, read as `reader` (the same when left out).
 * @throws {SchemaError} SCHEMA_INVALID, SCHEMA_TOO_LARGE, SCHEMA_INCOMPATIBLE
 */
export function createRowCodec<T = Row>(
  writer: AvroSchema,
  reader: AvroSchema = writer,
  limits: Partial<DecodeLimits> = {},
): RowCodec<T> {
  const caps = { ...decodeLimits, ...limits }
  const writerNode = parseSchema(writer)
  const readerNode = reader === writer ? writerNode : parseSchema(reader)
  const avsc = avscTypeOf(writerNode)
  const check = compileWalk(writerNode, caps)
  const toRow = compileToRow(writerNode, readerNode, avsc)
  const fromRow = compileFromRow(writerNode, avsc, caps.maxDepth)
  return {
    writer: writerNode,
    reader: readerNode,
    encode: (row) => new Uint8Array(avsc.type.toBuffer(fromRow(row, []))),
    decode: (bytes) => {
      check(bytes)
      const value: unknown = avsc.type.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
      return toRow(value, []) as T
    },
  }
}
