import { freeMemory } from '@sluice/columnar'
import { crc32c } from '@node-rs/crc32'
import { codecs, inflate } from '../codecs/codec.ts'
import type { AbortedTransaction, RecordSlab } from '../contracts/records.ts'
import { LogError } from '../errors/log-error.ts'
import { batchHeaderBytes, decodeBatchHeader, judgeBatchHeader, minRecordBytes } from './batch-header.ts'
import type { BatchHeader } from './batch-header.ts'
import { slabArrays } from './slab-scratch.ts'
import type { SlabArrays, SlabScratch } from './slab-scratch.ts'
import { cursor, readVarint, readVarlong } from './varint.ts'

export interface SplitOptions {
  /** Records below are left out; whole batches below are not even inflated. Default 0. */
  readonly from?: number
  /** Exclusive end. */
  readonly to?: number
  /** A batch may not inflate to more than this, bytes. */
  readonly maxInflatedBytes: number
  /**
   * Stop before the batch with which inflated bytes would exceed this (one batch is always taken): the caller goes on at
   * `consumedBytes`. Default: no stop, and BATCH_TOO_LARGE above 1 GiB.
   */
  readonly maxTotalBytes?: number
  /** Leave out records of these transactions (read committed). Default: none are left out. */
  readonly abortedTransactions?: readonly AbortedTransaction[]
  /**
   * What a batch above `maxInflatedBytes` does: `throw` (default), or `refuse`, which names it in `refused` and goes on, so
   * that a bomb costs dead letters and does not hold up its partition.
   */
  readonly tooLarge?: 'throw' | 'refuse'
  /** Memory for the slab, when it is done with before the next split. Default: memory of its own. */
  readonly scratch?: SlabScratch
}

/** A batch that would inflate beyond the cap. Its bytes are `[start, end)` of the input, still compressed. */
export interface RefusedBatch {
  readonly code: 'BATCH_TOO_LARGE'
  readonly baseOffset: number
  readonly lastOffset: number
  readonly recordCount: number
  readonly timestamp: number
  readonly start: number
  readonly end: number
}

export interface SplitResult {
  readonly slab: RecordSlab
  /** Offset after the last whole batch taken (at most `to`); null when there was none. */
  readonly nextOffset: number | null
  /** Input bytes covered: up to an incomplete batch, or to where `maxTotalBytes` or `to` stopped. */
  readonly consumedBytes: number
  /** Bytes of an incomplete batch at the end; a fetch often ends in one. */
  readonly truncatedBytes: number
  /** Transaction markers, left out of the slab. */
  readonly controlRecords: number
  /** Records of aborted transactions, left out of the slab. */
  readonly abortedRecords: number
  readonly refused: readonly RefusedBatch[]
}

const slabLimit = 1024 * 1024 * 1024

/** A batch whose records go into the slab: its section of `bytes` holds exactly `header.recordCount` records. */
interface Section {
  readonly header: BatchHeader
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/**
 * Splits Kafka record batches (format 2, back to back) into records without making an object per record. CRC32C, message
 * format, codec, counts and lengths are checked; offsets may have holes. When no batch is compressed the slab's ranges
 * point into `bytes`; otherwise into one new array.
 * @throws LogError BATCH_CRC_MISMATCH, BATCH_MAGIC_UNSUPPORTED, BATCH_CODEC_UNKNOWN, BATCH_MALFORMED, BATCH_OFFSET_UNSAFE:
 *   the bytes are not what a broker stores, a matter for the source and never for dead letters; BATCH_TOO_LARGE
 */
export function splitRecordBatches(bytes: Uint8Array, options: SplitOptions): SplitResult {
  const from = options.from ?? 0
  const to = options.to ?? Number.MAX_SAFE_INTEGER
  const totalLimit = options.maxTotalBytes ?? slabLimit
  const isAborted = abortFilter(options.abortedTransactions)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const sections: Section[] = []
  const refused: RefusedBatch[] = []
  let total = 0
  let at = 0
  let nextOffset: number | null = null
  let controlRecords = 0
  let abortedRecords = 0
  let truncated = false

  while (at < bytes.length) {
    const header = decodeBatchHeader(view, at)
    if (header === undefined || header.byteLength > bytes.length - at) {
      truncated = true
      break
    }
    judge(bytes, at, header)
    if (header.baseOffset >= to) break
    if (nextOffset !== null && header.baseOffset < nextOffset) {
      throw new LogError(
        'BATCH_MALFORMED',
        `record batch at offset ${header.baseOffset} comes after offset ${nextOffset - 1}`,
      )
    }
    const end = at + header.byteLength
    const aborted = isAborted(header)
    if (header.lastOffset < from) {
      nextOffset = header.lastOffset + 1
      at = end
      continue
    }
    verify(bytes, at, header)
    if (header.control) {
      controlRecords += header.recordCount
    } else if (aborted) {
      abortedRecords += header.recordCount
    } else if (header.recordCount > 0) {
      const start = at + batchHeaderBytes
      let section: Section | undefined
      if (header.codec === 0) {
        section = { header, bytes, start, end }
      } else {
        const inflated = inflateSection(bytes.subarray(start, end), header, options)
        if (inflated !== undefined) section = { header, bytes: inflated, start: 0, end: inflated.length }
        else refused.push(refusal(header, at, end))
      }
      if (section !== undefined) {
        const size = section.end - section.start
        if (total + size > totalLimit && (sections.length > 0 || options.maxTotalBytes === undefined)) {
          if (options.maxTotalBytes !== undefined) break
          throw new LogError(
            'BATCH_TOO_LARGE',
            `${sections.length + 1} record batches inflate to more than ${totalLimit} bytes`,
          )
        }
        total += size
        sections.push(section)
      }
    }
    nextOffset = Math.min(header.lastOffset + 1, to)
    at = end
  }
  return {
    slab: slabOf(bytes, sections, total, from, to, options.scratch),
    nextOffset,
    consumedBytes: at,
    truncatedBytes: truncated ? bytes.length - at : 0,
    controlRecords,
    abortedRecords,
    refused,
  }
}

/** A header that contradicts itself is a damaged one unless its CRC holds: damage is worth another read. */
function judge(bytes: Uint8Array, at: number, header: BatchHeader): void {
  try {
    judgeBatchHeader(header)
  } catch (error) {
    verify(bytes, at, header)
    throw error
  }
}

function verify(bytes: Uint8Array, at: number, header: BatchHeader): void {
  if (crc32c(bytes.subarray(at + 21, at + header.byteLength)) !== header.crc) {
    throw new LogError('BATCH_CRC_MISMATCH', `record batch at offset ${header.baseOffset}: CRC32C does not hold`)
  }
  if (header.codec >= codecs.length) {
    throw new LogError(
      'BATCH_CODEC_UNKNOWN',
      `record batch at offset ${header.baseOffset}: codec ${header.codec} is unknown`,
    )
  }
}

function inflateSection(compressed: Uint8Array, header: BatchHeader, options: SplitOptions): Uint8Array | undefined {
  try {
    return inflate(codecs[header.codec]!, compressed, options.maxInflatedBytes)
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    if (error.code === 'BATCH_TOO_LARGE' && options.tooLarge === 'refuse') return undefined
    throw new LogError(error.code, `record batch at offset ${header.baseOffset}: ${error.message}`, {
      cause: error.cause,
    })
  }
}

function refusal(header: BatchHeader, start: number, end: number): RefusedBatch {
  const { baseOffset, lastOffset, recordCount, maxTimestamp } = header
  return { code: 'BATCH_TOO_LARGE', baseOffset, lastOffset, recordCount, timestamp: maxTimestamp, start, end }
}

/** Sees every batch in order; true when its records belong to an aborted transaction. */
type AbortFilter = (header: BatchHeader) => boolean

/** What a read-committed consumer does: a producer's batches are dropped from its aborted first offset to its marker. */
function abortFilter(aborted: readonly AbortedTransaction[] | undefined): AbortFilter {
  if (aborted === undefined || aborted.length === 0) return () => false
  const waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const active = new Set<number>()
  return (header) => {
    while (waiting.length > 0 && waiting[0]!.firstOffset <= header.lastOffset) active.add(waiting.shift()!.producerId)
    if (header.control) active.delete(header.producerId)
    return header.transactional && active.has(header.producerId)
  }
}

function slabOf(
  input: Uint8Array,
  sections: readonly Section[],
  total: number,
  from: number,
  to: number,
  scratch: SlabScratch | undefined,
): RecordSlab {
  const inPlace = sections.every((section) => section.bytes === input) && input.length < 0x7fffffff
  const single = sections.length === 1 ? sections[0]! : undefined
  const bytes = inPlace ? input : (single?.bytes ?? scratch?.bytes(total) ?? new Uint8Array(total))
  let capacity = 0
  for (const { header, start, end } of sections) {
    if (header.recordCount > (end - start) / minRecordBytes) throw damaged(header, 'more records are declared than fit')
    capacity += header.recordCount
  }
  const builder = slabBuilder(bytes, scratch?.arrays(capacity) ?? slabArrays(capacity), from, to)
  let at = 0
  for (const section of sections) {
    if (inPlace || single !== undefined) {
      builder.add(section.header, section.start, section.end)
      continue
    }
    bytes.set(section.bytes.subarray(section.start, section.end), at)
    const end = at + section.end - section.start
    builder.add(section.header, at, end)
    at = end
    // Large and many: left to the collector, they would make it run all the time.
    if (section.bytes !== input) freeMemory(section.bytes)
  }
  return builder.finish()
}

function damaged(header: BatchHeader, what: string): LogError {
  return new LogError('BATCH_MALFORMED', `record batch at offset ${header.baseOffset}: ${what}`)
}

function slabBuilder(bytes: Uint8Array, arrays: SlabArrays, from: number, to: number) {
  const { offsets, timestamps, keyStart, keyEnd, valueStart, valueEnd, headersStart, headersEnd } = arrays
  let length = 0

  /** One pass, one cursor: varints of one byte, nearly all of them, are read inline. */
  function add(header: BatchHeader, start: number, end: number): void {
    const { baseOffset, baseTimestamp, maxTimestamp, logAppendTime, recordCount } = header
    const lastDelta = header.lastOffset - baseOffset
    const fromDelta = from - baseOffset
    const toDelta = to - baseOffset
    let previous = -1
    let at = start
    let i = length
    for (let n = 0; n < recordCount; n++) {
      let byte = at < end ? bytes[at]! : 0x80
      let size: number
      if (byte < 0x80) {
        size = (byte >>> 1) ^ -(byte & 1)
        at++
      } else {
        size = readVarint(bytes, at, end)
        at = cursor.at
      }
      if (at < 0 || size < minRecordBytes - 1 || size > end - at)
        throw damaged(header, `record ${n} is longer than its batch`)
      const recordEnd = at + size
      at++

      const timestampDelta = readTimestampDelta(bytes, at, recordEnd)
      at = cursor.at

      byte = at >= 0 && at < recordEnd ? bytes[at]! : 0x80
      let delta: number
      if (byte < 0x80) {
        delta = (byte >>> 1) ^ -(byte & 1)
        at++
      } else {
        delta = at < 0 ? 0 : readVarint(bytes, at, recordEnd)
        at = at < 0 ? at : cursor.at
      }
      if (at < 0 || delta <= previous || delta > lastDelta)
        throw damaged(header, `record ${n} has offset delta ${delta}`)
      previous = delta

      byte = at < recordEnd ? bytes[at]! : 0x80
      let keyLength: number
      if (byte < 0x80) {
        keyLength = (byte >>> 1) ^ -(byte & 1)
        at++
      } else {
        keyLength = readVarint(bytes, at, recordEnd)
        at = cursor.at
      }
      if (at < 0 || keyLength < -1 || keyLength > recordEnd - at)
        throw damaged(header, `record ${n} has key length ${keyLength}`)
      const keyAt = keyLength < 0 ? -1 : at
      if (keyLength > 0) at += keyLength
      const keyStop = keyLength < 0 ? -1 : at

      byte = at < recordEnd ? bytes[at]! : 0x80
      let valueLength: number
      if (byte < 0x80) {
        valueLength = (byte >>> 1) ^ -(byte & 1)
        at++
      } else {
        valueLength = readVarint(bytes, at, recordEnd)
        at = cursor.at
      }
      if (at < 0 || valueLength < -1 || valueLength > recordEnd - at) {
        throw damaged(header, `record ${n} has value length ${valueLength}`)
      }
      const valueAt = valueLength < 0 ? -1 : at
      if (valueLength > 0) at += valueLength
      const valueStop = valueLength < 0 ? -1 : at

      if (at >= recordEnd) throw damaged(header, `record ${n} has no header count`)
      const bare = bytes[at] === 0
      if (bare && at + 1 !== recordEnd) throw damaged(header, `record ${n} is shorter than its length`)
      if (delta >= fromDelta && delta < toDelta) {
        offsets[i] = baseOffset + delta
        timestamps[i] = logAppendTime ? maxTimestamp : baseTimestamp + timestampDelta
        keyStart[i] = keyAt
        keyEnd[i] = keyStop
        valueStart[i] = valueAt
        valueEnd[i] = valueStop
        headersStart[i] = bare ? -1 : at
        headersEnd[i] = bare ? -1 : recordEnd
        i++
      }
      at = recordEnd
    }
    if (at !== end) throw damaged(header, `${end - at} bytes follow the last record`)
    length = i
  }

  function finish(): RecordSlab {
    if (length === offsets.length) return { bytes, length, ...arrays }
    return {
      bytes,
      length,
      offsets: offsets.subarray(0, length),
      timestamps: timestamps.subarray(0, length),
      keyStart: keyStart.subarray(0, length),
      keyEnd: keyEnd.subarray(0, length),
      valueStart: valueStart.subarray(0, length),
      valueEnd: valueEnd.subarray(0, length),
      headersStart: headersStart.subarray(0, length),
      headersEnd: headersEnd.subarray(0, length),
    }
  }

  return { add, finish }
}

/** Up to four bytes (37 hours of milliseconds) without BigInt; leaves the position in `cursor`. */
function readTimestampDelta(bytes: Uint8Array, at: number, end: number): number {
  let bits = 0
  for (let shift = 0, p = at; shift < 28 && p < end; shift += 7) {
    const byte = bytes[p++]!
    bits |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      cursor.at = p
      return (bits >>> 1) ^ -(bits & 1)
    }
  }
  return readVarlong(bytes, at, end)
}
