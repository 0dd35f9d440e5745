import kafkajs from 'kafkajs'
import { codecs, compress, inflate } from '@sluice/ingest-core'
import type { Codec } from '@sluice/ingest-core'

/** The last batch that did not inflate; kafkajs wraps what a codec throws beyond recognition. */
export interface CodecWatch {
  readonly failure: unknown
  clear(): void
}

/**
 * Gives kafkajs the codecs it lacks (snappy, lz4, zstd) and replaces its gzip, which inflates without a limit. The registry is
 * kafkajs' own and global to the process: other users of kafkajs in it get the same codecs and the same limit.
 */
export function registerCodecs(maxInflatedBytes: number): CodecWatch {
  let failure: unknown
  const { CompressionCodecs } = kafkajs
  for (const codec of codecs) {
    if (codec === 'none') continue
    const made = codecOf(codec, maxInflatedBytes, (error) => (failure = error))
    CompressionCodecs[codecs.indexOf(codec) as 1 | 2 | 3 | 4] = () => made
  }
  return {
    get failure() {
      return failure
    },
    clear() {
      failure = undefined
    },
  }
}

function codecOf(codec: Codec, maxBytes: number, failed: (error: unknown) => void) {
  return {
    async compress(encoder: { readonly buffer: Buffer }): Promise<Buffer> {
      return bufferOf(compress(codec, encoder.buffer))
    },
    async decompress(bytes: Buffer): Promise<Buffer> {
      try {
        return bufferOf(inflate(codec, bytes, maxBytes))
      } catch (error) {
        failed(error)
        throw error
      }
    },
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
