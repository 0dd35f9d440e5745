import { LogError } from '../errors/log-error.ts'

/*
 * Kafka record batch, message format 2 (Kafka protocol guide, "Record Batch"; KIP-98). Big endian.
 *
 *    0  baseOffset            int64
 *    8  batchLength           int32   bytes after this field
 *   12  partitionLeaderEpoch  int32
 *   16  magic                 int8    2
 *   17  crc                   uint32  CRC32C of everything from attributes to the end
 *   21  attributes            int16   bits 0-2 codec, 3 log append time, 4 transactional, 5 control, 6 delete horizon
 *   23  lastOffsetDelta       int32
 *   27  baseTimestamp         int64
 *   35  maxTimestamp          int64
 *   43  producerId            int64
 *   51  producerEpoch         int16
 *   53  baseSequence          int32
 *   57  records               int32   count
 *   61  records, compressed as one when the codec is not 0:
 *
 *       length         varint   bytes after this field
 *       attributes     int8     unused
 *       timestampDelta varlong
 *       offsetDelta    varint
 *       key            varint length (-1 null), bytes
 *       value          varint length (-1 null), bytes
 *       headers        varint count, { name varint length, bytes, value varint length (-1 null), bytes }*
 */
export const batchHeaderBytes = 61
/** Base offset and length: what must be there to know where the batch ends. */
export const batchPrefixBytes = 12
/** A record has at least seven fields of one byte. */
export const minRecordBytes = 7

export interface BatchHeader {
  readonly baseOffset: number
  /** Last offset of the batch, also when the record that had it was compacted away. */
  readonly lastOffset: number
  /** Whole batch, header included. */
  readonly byteLength: number
  readonly leaderEpoch: number
  readonly crc: number
  /** Index into `codecs`; 5 to 7 are unknown. */
  readonly codec: number
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  /** -1 when the producer is neither idempotent nor transactional. Beyond 2^53 only equality is kept approximately. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Signed 64-bit number; beyond 2^53 the nearest double. */
export function readInt64(view: DataView, at: number): number {
  return view.getInt32(at) * 0x100000000 + view.getUint32(at + 4)
}

export function writeInt64(view: DataView, at: number, value: number): void {
  view.setBigInt64(at, BigInt(value))
}

/**
 * Size of the batch at `at` from its first 12 bytes, or undefined when fewer are there.
 * @throws LogError BATCH_MALFORMED when the length is smaller than a header
 */
export function batchLengthAt(view: DataView, at: number): number | undefined {
  if (at + batchPrefixBytes > view.byteLength) return undefined
  const length = view.getInt32(at + 8) + batchPrefixBytes
  if (length < batchHeaderBytes) {
    throw new LogError('BATCH_MALFORMED', `record batch at byte ${at}: length ${length} is below ${batchHeaderBytes}`)
  }
  return length
}

/**
 * Reads the header of the batch at `at`; undefined when fewer than 61 bytes are there. CRC and codec are not judged.
 * @throws LogError BATCH_MALFORMED, BATCH_MAGIC_UNSUPPORTED, BATCH_OFFSET_UNSAFE
 */
export function readBatchHeader(view: DataView, at: number): BatchHeader | undefined {
  const header = decodeBatchHeader(view, at)
  if (header !== undefined) judgeBatchHeader(header)
  return header
}

/** Offsets that numbers can hold, and no more records than offsets. @throws LogError BATCH_MALFORMED, BATCH_OFFSET_UNSAFE */
export function judgeBatchHeader(header: BatchHeader): void {
  const { baseOffset, lastOffset, recordCount } = header
  if (!Number.isSafeInteger(baseOffset) || baseOffset < 0 || !Number.isSafeInteger(lastOffset + 1)) {
    throw new LogError('BATCH_OFFSET_UNSAFE', `record batch at offset ${baseOffset}: outside 0 to 2^53 - 1`)
  }
  if (lastOffset < baseOffset || recordCount < 0 || recordCount > lastOffset - baseOffset + 1) {
    throw new LogError(
      'BATCH_MALFORMED',
      `record batch at offset ${baseOffset}: ${recordCount} records cannot lie in ${lastOffset - baseOffset + 1} offsets`,
    )
  }
}

/** Reads the fields as they are. @throws LogError BATCH_MALFORMED for a length below a header, BATCH_MAGIC_UNSUPPORTED */
export function decodeBatchHeader(view: DataView, at: number): BatchHeader | undefined {
  const byteLength = batchLengthAt(view, at)
  if (byteLength === undefined || at + batchHeaderBytes > view.byteLength) return undefined
  const magic = view.getInt8(at + 16)
  if (magic !== 2) {
    throw new LogError('BATCH_MAGIC_UNSUPPORTED', `record batch at byte ${at}: message format ${magic}, only 2 is read`)
  }
  const baseOffset = readInt64(view, at)
  const attributes = view.getUint16(at + 21)
  return {
    baseOffset,
    lastOffset: baseOffset + view.getInt32(at + 23),
    byteLength,
    leaderEpoch: view.getInt32(at + 12),
    crc: view.getUint32(at + 17),
    codec: attributes & 0x07,
    logAppendTime: (attributes & 0x08) !== 0,
    transactional: (attributes & 0x10) !== 0,
    control: (attributes & 0x20) !== 0,
    baseTimestamp: readInt64(view, at + 27),
    maxTimestamp: readInt64(view, at + 35),
    producerId: readInt64(view, at + 43),
    producerEpoch: view.getInt16(at + 51),
    baseSequence: view.getInt32(at + 53),
    recordCount: view.getInt32(at + 57),
  }
}
