/**
 * The column model: Arrow's memory layout as plain objects over typed arrays, so that a batch can be built by generated
 * code, moved between threads by transferring its buffers, and read by encoders, without a library object per column.
 * `@sluice/columnar/arrow` turns a batch into an `apache-arrow` RecordBatch without copying.
 *
 * @see https://arrow.apache.org/docs/format/Columnar.html
 */

/** The type of a column. Names follow Arrow; `enum` is Arrow's Dictionary<Int32, Utf8> with a fixed dictionary. */
export type DataType =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int32' }
  | { readonly kind: 'int64' }
  | { readonly kind: 'float32' }
  | { readonly kind: 'float64' }
  | { readonly kind: 'utf8' }
  | { readonly kind: 'binary' }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'date' }
  | { readonly kind: 'time'; readonly unit: 'milli' | 'micro' }
  | { readonly kind: 'timestamp'; readonly unit: 'milli' | 'micro' | 'nano'; readonly utc: boolean }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'list'; readonly item: Field }
  | { readonly kind: 'map'; readonly value: Field; readonly keyFieldId?: number }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] }

/** A named, typed slot of a schema or struct. `fieldId` is the stable id written to Parquet and Iceberg. */
export interface Field {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  readonly fieldId?: number
}

/** The fields of a batch, in column order. */
export interface Schema {
  readonly fields: readonly Field[]
}

export type ColumnValues = Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array

/**
 * One column of `length` rows in Arrow layout. Every buffer starts at offset 0 of its own `ArrayBuffer` view and has
 * exactly the stated number of elements, whatever the capacity of the buffer beneath.
 *
 * | kind | values | offsets | children |
 * | --- | --- | --- | --- |
 * | null | | | |
 * | boolean | Uint8Array bitmap, LSB first, ceil(length / 8) bytes | | |
 * | int32, date, time(milli), enum (index into symbols) | Int32Array(length) | | |
 * | int64, time(micro), timestamp | BigInt64Array(length) | | |
 * | float32 / float64 | Float32Array / Float64Array(length) | | |
 * | utf8, binary | Uint8Array(offsets[length]) | Int32Array(length + 1) | |
 * | fixed(n), uuid (16, big-endian text order), decimal (16, little-endian two's complement) | Uint8Array(n * length) | | |
 * | list | | Int32Array(length + 1) | [item] |
 * | map | | Int32Array(length + 1) | [utf8 keys, values] |
 * | struct | | | one per field, each of `length` rows |
 *
 * A null row holds zero bytes (numbers: 0; utf8, list, map: an empty range; struct: null children).
 */
export interface Column {
  readonly type: DataType
  readonly length: number
  readonly nullCount: number
  /** Bitmap, LSB first, bit set = present. Absent exactly when `nullCount` is 0. */
  readonly validity?: Uint8Array
  readonly offsets?: Int32Array
  readonly values?: ColumnValues
  readonly children?: readonly Column[]
  /** Every row holds the same value; encoders then look at one of them. */
  readonly constant?: true
}

/** Rows of one schema. `columns[i]` holds `schema.fields[i]`. */
export interface ColumnBatch {
  readonly schema: Schema
  readonly length: number
  readonly columns: readonly Column[]
}

/** One record that could not be turned into a row. `index` is the record's position in the input. */
export interface DecodeReject {
  readonly index: number
  /** Stable, e.g. `truncated`, `trailing_bytes`, `utf8_invalid`; the full table is in the README. */
  readonly code: string
  /** Path of the field, e.g. `items[].price`; empty for the record itself. */
  readonly path: string
  /** What was expected there, in words that never contain data of the record. */
  readonly expected: string
}

/**
 * Records as ranges of one byte array: record `i` is `bytes[starts[i], ends[i])`. A negative start is a null value
 * (tombstone), which decoders refuse with code `null_value`.
 */
export interface RecordRanges {
  readonly bytes: Uint8Array
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** Buffers being filled row by row; several decoders of one reader schema may take turns on it. */
export interface BatchBuilder {
  readonly schema: Schema
  /** Rows appended so far. */
  readonly length: number
  /** Sum of the sizes of the filled buffers, bytes. */
  readonly byteLength: number
  /** Hands over the rows as a batch with its own buffers and leaves the builder empty. */
  finish(): ColumnBatch
  /**
   * The rows as views of the builder's own memory, without a copy, and leaves the builder empty. Whoever asks keeps the
   * builder aside until the batch is done with: the next row appended overwrites it.
   */
  lend(): ColumnBatch
}

/** Turns bytes of records into rows of a builder. Both the Avro and the JSON decoder are this. */
export interface Decoder {
  /** The schema a builder must have. */
  readonly schema: Schema
  /**
   * Appends records `[from, to)` of `input` to `builder`, in order. A bad record appends no row, is pushed to `rejects`
   * and leaves its neighbours untouched. `rowsOut`, when given, receives the input index of each appended row.
   * @returns number of rows appended
   */
  decodeInto(
    builder: BatchBuilder,
    input: RecordRanges,
    from: number,
    to: number,
    rejects: DecodeReject[],
    rowsOut?: Int32Array,
    rowsOutAt?: number,
  ): number
}

/**
 * Buffers rows and returns one file. The bytes are a function of the rows, their order and the options alone: never of
 * how the rows were split into batches, of the clock, or of the machine.
 */
export interface FileEncoder {
  readonly extension: string
  readonly rows: number
  /** Estimate of the encoded size so far, bytes; used for rotation by size. */
  readonly estimatedBytes: number
  /** Memory held by this encoder, bytes; used by the byte budget. */
  readonly bufferedBytes: number
  /** Appends all rows of a batch, or those at `rows` (row numbers, in the order to write). */
  append(batch: ColumnBatch, rows?: Int32Array): void
  finish(): Uint8Array
}
