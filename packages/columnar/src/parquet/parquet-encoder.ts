import type { ColumnBatch, FileEncoder, Schema } from '../types.ts'
import { ColumnarError } from '../errors.ts'
import { batchChecker, requireRows } from '../schema-match.ts'
import { ascending } from './byte-slab.ts'
import { pageCompressor, type ParquetCompression } from './compression.ts'
import { encodeFooter, type RowGroupMeta } from './footer.ts'
import { LeafColumn } from './leaf-column.ts'
import { rowsWithin } from './row-bytes.ts'
import { parquetSchema } from './schema-tree.ts'
import { createShredder } from './shredder.ts'

/**
 * Version of the bytes this encoder writes: it changes whenever the same rows and options would give another file.
 * Commit plans store it, so that a retry by another release is noticed. The compressor is a part of Node (zstd) or of
 * the package `snappy`, so `parquetEncoderId` adds its version.
 */
export const PARQUET_ENCODER_VERSION = 'sluice-parquet/1'

export interface ParquetEncoderOptions {
  /** Page compression. Default `zstd`. */
  readonly compression?: ParquetCompression
  /** zstd level, 1 to 19. Default 1. */
  readonly compressionLevel?: number
  /** Most rows per row group. Default 131072. */
  readonly rowGroupRows?: number
  /** A row group also ends with the row that brings it to this size in memory, bytes. Default 128 MiB. */
  readonly rowGroupBytes?: number
  /** Most bytes of values per data page before compression; one larger value gets its own page. Default 1 MiB. */
  readonly pageBytes?: number
  /** Dictionary encoding where it pays. Default true. */
  readonly dictionary?: boolean
  /**
   * Delta encodings where they pay: `all`; `integers` (DELTA_BINARY_PACKED only); `none` (PLAIN and dictionary only, for
   * readers that know nothing newer, such as Iceberg's vectorized Spark reader before 1.10). Default `all`.
   */
  readonly delta?: 'all' | 'integers' | 'none'
  /** Key-value pairs for the footer, written in the order given. */
  readonly keyValueMetadata?: Readonly<Record<string, string>>
}

const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/** Name and version of everything that decides the bytes of a file: compare it before repeating a write. */
export function parquetEncoderId(compression: ParquetCompression = 'zstd'): string {
  return compression === 'zstd'
    ? `${PARQUET_ENCODER_VERSION} zstd/${process.versions['zstd']}`
    : `${PARQUET_ENCODER_VERSION} ${compression}`
}

/**
 * Encodes column batches as one Parquet file: format 1 with data pages V1, field ids, both kinds of type annotation,
 * statistics and page checksums. Column buffers go to dictionary indices or plain bytes without a row object or a
 * per-value allocation; a row group is encoded and compressed as soon as it is complete.
 *
 * Bytes depend on rows, order and options only, whatever the batches. An error thrown by `append` leaves the encoder
 * unusable: a row may have reached some columns and not others.
 *
 * @throws {ColumnarError} PARQUET_SCHEMA, PARQUET_OPTION here; BATCH_SCHEMA, BATCH_VALUE, ROW_RANGE, ENCODER_FINISHED later
 * @see https://github.com/apache/parquet-format
 */
export function createParquetEncoder(schema: Schema, options: ParquetEncoderOptions = {}): FileEncoder {
  const { compression = 'zstd', delta = 'all', dictionary = true } = options
  const rowGroupRows = integerOption('rowGroupRows', options.rowGroupRows ?? 131_072, 1, 16_777_216)
  const rowGroupBytes = integerOption('rowGroupBytes', options.rowGroupBytes ?? 128 * 1024 * 1024, 1, 1024 ** 3)
  const pageBytes = integerOption('pageBytes', options.pageBytes ?? 1024 * 1024, 64, 1024 ** 3)
  const level = integerOption('compressionLevel', options.compressionLevel ?? 1, 1, 19)
  if (!['zstd', 'snappy', 'none'].includes(compression))
    throw new ColumnarError('PARQUET_OPTION', 'Parquet option compression must be zstd, snappy or none.')
  if (!['all', 'integers', 'none'].includes(delta))
    throw new ColumnarError('PARQUET_OPTION', 'Parquet option delta must be all, integers or none.')
  const keyValueMetadata = Object.entries(options.keyValueMetadata ?? {})

  const tree = parquetSchema(schema)
  const storeOptions = { dictionary, deltaIntegers: delta !== 'none', deltaStrings: delta === 'all' }
  const leaves = tree.leaves.map((leaf) => new LeafColumn(leaf, storeOptions))
  const shredder = createShredder(leaves)
  const check = batchChecker(schema)
  const pageOptions = { pageBytes, compress: pageCompressor(compression, level) }

  const chunks: Uint8Array[] = [MAGIC]
  const sink = {
    length: MAGIC.length,
    push(bytes: Uint8Array) {
      chunks.push(bytes)
      sink.length += bytes.length
    },
  }
  const rowGroups: RowGroupMeta[] = []
  let rows = 0
  let groupRows = 0
  let groupBytes = 0
  let openEncodedBytes = 0
  /** Compressed bytes per byte that `encodedBytes` predicts; measured on the row groups written so far. */
  let ratio = compression === 'none' ? 1 : 0.6
  let predictedBytes = 0
  let state: 'open' | 'failed' | 'finished' = 'open'

  function requireOpen(): void {
    if (state !== 'open')
      throw new ColumnarError('ENCODER_FINISHED', `The Parquet encoder has ${state}; make a new one for the next file.`)
  }

  function closeRowGroup(): void {
    const offset = sink.length
    predictedBytes += leaves.reduce((sum, leaf) => sum + leaf.encodedBytes, 0)
    const metas = leaves.map((leaf) => leaf.flush(sink, groupRows, pageOptions))
    rowGroups.push({ rows: groupRows, offset, chunks: metas })
    if (predictedBytes > 0) ratio = (sink.length - MAGIC.length) / predictedBytes
    groupRows = 0
    groupBytes = 0
  }

  function appendRows(batch: ColumnBatch, selection: Int32Array | undefined): void {
    const total = selection?.length ?? batch.length
    let done = 0
    while (done < total) {
      const most = Math.min(total, done + rowGroupRows - groupRows)
      const fitting = rowsWithin(batch, selection, done, most, rowGroupBytes - groupBytes)
      const end = done + fitting.rows
      const at = selection?.subarray(done, end) ?? ascending(end).subarray(done, end)
      tree.columns.forEach((node, index) =>
        shredder.append(node, batch.columns[index]!, at, fitting.rows, selection === undefined),
      )
      rows += fitting.rows
      groupRows += fitting.rows
      groupBytes += fitting.bytes
      done = end
      if (groupRows >= rowGroupRows || groupBytes >= rowGroupBytes) closeRowGroup()
    }
    openEncodedBytes = leaves.reduce((sum, leaf) => sum + leaf.encodedBytes, 0)
  }

  return {
    extension: 'parquet',
    get rows() {
      return rows
    },
    get estimatedBytes() {
      return sink.length + Math.ceil(openEncodedBytes * ratio)
    },
    get bufferedBytes() {
      return sink.length + leaves.reduce((sum, leaf) => sum + leaf.heldBytes, 0)
    },
    append(batch, selection) {
      requireOpen()
      check(batch)
      if (selection) requireRows(selection, batch.length)
      state = 'failed'
      appendRows(batch, selection)
      state = 'open'
    },
    finish() {
      requireOpen()
      state = 'finished'
      if (groupRows > 0) closeRowGroup()
      for (const leaf of leaves) leaf.release()
      const createdBy = `sluice-columnar version 1.0.0 (build ${PARQUET_ENCODER_VERSION})`
      const footer = encodeFooter({ tree, rowGroups, compression, keyValueMetadata, createdBy })
      const file = new Uint8Array(sink.length + footer.length + 8)
      let at = 0
      for (const chunk of chunks) {
        file.set(chunk, at)
        at += chunk.length
      }
      file.set(footer, at)
      new DataView(file.buffer).setUint32(at + footer.length, footer.length, true)
      file.set(MAGIC, at + footer.length + 4)
      chunks.length = 0
      return file
    },
  }
}

function integerOption(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new ColumnarError(
    'PARQUET_OPTION',
    `Parquet option ${name} is ${value}; give a whole number from ${min} to ${max}.`,
  )
}
