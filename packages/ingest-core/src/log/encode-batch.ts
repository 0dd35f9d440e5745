import { crc32c } from '@node-rs/crc32'
import { codecs, compress } from '../codecs/codec.ts'
import type { Codec } from '../codecs/codec.ts'
import { batchHeaderBytes, batchPrefixBytes, writeInt64 } from './batch-header.ts'
import { encodeHeaders } from './record-headers.ts'
import type { HeaderInput } from './record-headers.ts'
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from './varint.ts'

/** A record on its way into a log. */
export interface LogRecord {
  readonly key: Uint8Array | null
  /** Null is a tombstone. */
  readonly value: Uint8Array | null
  /** Milliseconds since epoch. */
  readonly timestamp: number
  readonly headers?: readonly HeaderInput[]
}

export interface RecordBatchInput {
  readonly baseOffset: number
  readonly records: readonly LogRecord[]
  /** Default `none`. */
  readonly codec?: Codec
  /** gzip and zstd only. */
  readonly level?: number
  /** Absolute offset of each record, rising; default without holes from `baseOffset`. */
  readonly offsets?: readonly number[]
  /** Default: offset of the last record. */
  readonly lastOffset?: number
  /** When the broker stamped the batch: every record then reads as this time. */
  readonly logAppendTime?: number
  readonly leaderEpoch?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
}

/**
 * Encodes one Kafka record batch, format 2. The result is the same bytes for the same input and library versions.
 * @throws RangeError when offsets do not rise or do not fit the batch
 */
export function encodeRecordBatch(input: RecordBatchInput): Uint8Array {
  const { baseOffset, records, offsets, codec = 'none' } = input
  const count = records.length
  const lastOffset =
    input.lastOffset ?? (offsets === undefined ? baseOffset + Math.max(count - 1, 0) : (offsets.at(-1) ?? baseOffset))
  if (!Number.isSafeInteger(baseOffset) || baseOffset < 0 || !Number.isSafeInteger(lastOffset + 1)) {
    throw new RangeError(
      `base offset ${baseOffset} and last offset ${lastOffset} must be whole numbers from 0 below 2^53 - 1`,
    )
  }
  if (lastOffset - baseOffset > 0x7fffffff || lastOffset < baseOffset) {
    throw new RangeError(`a batch cannot span offsets ${baseOffset} to ${lastOffset}`)
  }
  const baseTimestamp = count === 0 ? -1 : records[0]!.timestamp
  let maxTimestamp = baseTimestamp
  const bodySizes = new Int32Array(count)
  const headerSections: Uint8Array[] = []
  let size = 0
  let previous = baseOffset - 1
  for (let i = 0; i < count; i++) {
    const record = records[i]!
    const offset = offsets === undefined ? baseOffset + i : offsets[i]!
    if (!(offset > previous) || offset > lastOffset)
      throw new RangeError(`record ${i}: offset ${offset} is out of order`)
    previous = offset
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
    const headers = encodeHeaders(record.headers)
    headerSections.push(headers)
    const body =
      1 +
      varlongBytes(record.timestamp - baseTimestamp) +
      varintBytes(offset - baseOffset) +
      varintBytes(record.key?.length ?? -1) +
      (record.key?.length ?? 0) +
      varintBytes(record.value?.length ?? -1) +
      (record.value?.length ?? 0) +
      headers.length
    bodySizes[i] = body
    size += varintBytes(body) + body
  }
  const plain = codec === 'none'
  const batch = new Uint8Array(plain ? batchHeaderBytes + size : size)
  let at = plain ? batchHeaderBytes : 0
  for (let i = 0; i < count; i++) {
    const record = records[i]!
    at = writeVarint(batch, at, bodySizes[i]!)
    batch[at++] = 0
    at = writeVarlong(batch, at, record.timestamp - baseTimestamp)
    at = writeVarint(batch, at, (offsets === undefined ? baseOffset + i : offsets[i]!) - baseOffset)
    at = writeBytes(batch, at, record.key)
    at = writeBytes(batch, at, record.value)
    batch.set(headerSections[i]!, at)
    at += headerSections[i]!.length
  }
  const whole = plain ? batch : framed(compress(codec, batch, input.level))
  writeHeader(whole, input, lastOffset, baseTimestamp, input.logAppendTime ?? maxTimestamp)
  return whole
}

function framed(section: Uint8Array): Uint8Array {
  const whole = new Uint8Array(batchHeaderBytes + section.length)
  whole.set(section, batchHeaderBytes)
  return whole
}

function writeBytes(target: Uint8Array, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(target, at, -1)
  at = writeVarint(target, at, bytes.length)
  target.set(bytes, at)
  return at + bytes.length
}

function writeHeader(
  whole: Uint8Array,
  input: RecordBatchInput,
  lastOffset: number,
  baseTimestamp: number,
  maxTimestamp: number,
): void {
  const view = new DataView(whole.buffer, whole.byteOffset, whole.length)
  writeInt64(view, 0, input.baseOffset)
  view.setInt32(8, whole.length - batchPrefixBytes)
  view.setInt32(12, input.leaderEpoch ?? 0)
  view.setInt8(16, 2)
  const attributes =
    codecs.indexOf(input.codec ?? 'none') |
    (input.logAppendTime === undefined ? 0 : 0x08) |
    (input.transactional === true ? 0x10 : 0) |
    (input.control === true ? 0x20 : 0)
  view.setInt16(21, attributes)
  view.setInt32(23, lastOffset - input.baseOffset)
  writeInt64(view, 27, baseTimestamp)
  writeInt64(view, 35, maxTimestamp)
  writeInt64(view, 43, input.producerId ?? -1)
  view.setInt16(51, input.producerEpoch ?? -1)
  view.setInt32(53, input.baseSequence ?? -1)
  view.setInt32(57, input.records.length)
  view.setUint32(17, crc32c(whole.subarray(21)))
}
