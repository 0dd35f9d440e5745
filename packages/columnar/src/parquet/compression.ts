import { constants, zstdCompressSync } from 'node:zlib'
import { compressSync } from 'snappy'

export type ParquetCompression = 'zstd' | 'snappy' | 'none'

/** A function that compresses one page. zstd pages are single frames without a checksum. */
export function pageCompressor(compression: ParquetCompression, level: number): (page: Uint8Array) => Uint8Array {
  switch (compression) {
    case 'zstd':
      return (page) =>
        zstdCompressSync(page, {
          params: { [constants.ZSTD_c_compressionLevel]: level },
          // Room for the worst case lets zstd compress in one step instead of one per output chunk.
          chunkSize: Math.max(64, page.length + (page.length >>> 7) + 512),
        })
    case 'snappy':
      return (page) => (page.length === 0 ? Uint8Array.of(0) : compressSync(page))
    case 'none':
      return (page) => page
  }
}
