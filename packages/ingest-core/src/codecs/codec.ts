import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { malformed, tooLarge } from './codec-error.ts'
import { compressLz4, inflateLz4 } from './lz4.ts'
import { compressSnappy, inflateSnappy } from './snappy.ts'

/** Compression of a record batch; the index is the codec number in the batch's attributes. */
export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type Codec = (typeof codecs)[number]

/**
 * Compresses one batch's records the way Kafka's own clients do: gzip level 6, snappy in xerial framing, LZ4 frame with
 * independent blocks, zstd level 3 (or `level`, gzip and zstd only). `none` gives the same array back.
 */
export function compress(codec: Codec, bytes: Uint8Array, level?: number): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes, level === undefined ? {} : { level })
    case 'snappy':
      return compressSnappy(bytes)
    case 'lz4':
      return compressLz4(bytes)
    case 'zstd':
      return zstdCompressSync(bytes, level === undefined ? {} : { params: { [zstdCompressionLevel]: level } })
  }
}

/** `constants.ZSTD_c_compressionLevel`. */
const zstdCompressionLevel = 100

/**
 * Inflates at most `maxBytes`; the limit is checked against declared sizes, or held while inflating, before memory of
 * that size is asked for (input 27).
 * @throws LogError BATCH_TOO_LARGE above the limit, BATCH_MALFORMED when the bytes are not of this codec
 */
export function inflate(codec: Codec, bytes: Uint8Array, maxBytes: number): Uint8Array {
  switch (codec) {
    case 'none':
      if (bytes.length > maxBytes) throw tooLarge(codec, maxBytes)
      return bytes
    case 'gzip':
      return inflateGzip(bytes, maxBytes)
    case 'snappy':
      return inflateSnappy(bytes, maxBytes)
    case 'lz4':
      return inflateLz4(bytes, maxBytes)
    case 'zstd':
      return inflateZstd(bytes, maxBytes)
  }
}

const smallestChunk = 16 * 1024
const largestChunk = 1024 * 1024
/** Inflated bytes per compressed byte, of late; a high ratio is taken at once and forgotten slowly. */
let likelyRatio = 8

/** Large enough that a usual batch inflates in one piece, small enough to waste little: what is unused is asked for, too. */
function chunkFor(bytes: Uint8Array): number {
  return Math.min(Math.max(Math.ceil(bytes.length * likelyRatio * 1.1), smallestChunk), largestChunk)
}

function learnRatio(bytes: number, inflated: number): void {
  likelyRatio = Math.max(inflated / bytes, likelyRatio * 0.95)
}

function inflateGzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  // Node takes no limit of 0.
  const options = { maxOutputLength: Math.max(maxBytes, 1), chunkSize: chunkFor(bytes) }
  const inflated = inflateZlib('gzip', maxBytes, () => gunzipSync(bytes, options))
  if (inflated.length > maxBytes) throw tooLarge('gzip', maxBytes)
  learnRatio(bytes.length, inflated.length)
  return inflated
}

const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd]

/** Node's zstd stops after the first frame without a word; every frame is read here, so that none is lost. */
function inflateZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const frames: Uint8Array[] = []
  let left = maxBytes
  let at = 0
  do {
    const rest = at === 0 ? bytes : bytes.subarray(at)
    if (!zstdMagic.every((byte, index) => rest[index] === byte))
      throw malformed('zstd', 'no frame where one was expected')
    const { buffer, engine } = inflateZlib('zstd', maxBytes, () =>
      zstdInfo(zstdDecompressSync(rest, { maxOutputLength: Math.max(left, 1), chunkSize: chunkFor(rest), info: true })),
    )
    if (engine.bytesWritten < 1) throw malformed('zstd', 'a frame of no bytes')
    if (buffer.length > left) throw tooLarge('zstd', maxBytes)
    learnRatio(engine.bytesWritten, buffer.length)
    frames.push(buffer)
    left -= buffer.length
    at += engine.bytesWritten
  } while (at < bytes.length)
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames)
}

interface InflateInfo {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

function zstdInfo(result: unknown): InflateInfo {
  return result as InflateInfo
}

function inflateZlib<T>(codec: Codec, maxBytes: number, run: () => T): T {
  try {
    return run()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(codec, maxBytes)
    throw malformed(codec, String(code), error)
  }
}
