import { compileAvroDecoder, compileJsonDecoder, createBatchBuilder, rowsOf } from '../src/index.ts'
import type {
  AvroDecoderOptions,
  AvroSource,
  DecodeReject,
  Decoder,
  JsonDecoderOptions,
  RowObject,
  Schema,
} from '../src/index.ts'
import { rangesOf } from './ranges.ts'

export interface Decoded {
  readonly rows: RowObject[]
  readonly rejects: DecodeReject[]
}

export function decodeAll(decoder: Decoder, records: readonly (Uint8Array | null)[]): Decoded {
  const builder = createBatchBuilder(decoder.schema, 1)
  const rejects: DecodeReject[] = []
  decoder.decodeInto(builder, rangesOf(records), 0, records.length, rejects)
  return { rows: rowsOf(builder.finish()), rejects }
}

export function decodeAvro(
  writer: AvroSource,
  reader: AvroSource,
  records: readonly (Uint8Array | null)[],
  options?: AvroDecoderOptions,
): Decoded {
  return decodeAll(compileAvroDecoder(writer, reader, options), records)
}

export function decodeJson(schema: Schema, texts: readonly string[], options?: JsonDecoderOptions): Decoded {
  return decodeAll(
    compileJsonDecoder(schema, options),
    texts.map((text) => Buffer.from(text)),
  )
}

/** Zig-zag varint. */
export function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  const bytes: number[] = []
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return bytes
}

export function bytes(...parts: readonly (number | readonly number[] | string)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : part)))
}

export function record(...fields: readonly (readonly [string, unknown, Record<string, unknown>?])[]) {
  return { type: 'record', name: 'R', fields: fields.map(([name, type, more]) => ({ name, type, ...more })) }
}
