import { storesOf } from '../builder/batch-builder.ts'
import { ensureSlots } from '../builder/column-store.ts'
import { layoutOf } from '../builder/layout.ts'
import { checkRanges } from '../record-ranges.ts'
import type { BatchBuilder, DecodeReject, Decoder, RecordRanges, Schema } from '../types.ts'
import { badRecord, JsonCursor } from './cursor.ts'
import { jsonSettings } from './options.ts'
import type { JsonDecoderOptions } from './options.ts'
import { compileRecordReader } from './readers.ts'

/**
 * Makes a decoder of JSON objects, one per record, into columns of `schema`. Written by hand on bytes: no value passes
 * through a JavaScript object, and no integer or decimal through a double.
 *
 * | type | JSON |
 * | --- | --- |
 * | int32, int64 | number without fraction and exponent, exact |
 * | float32, float64 | number; refused when out of range |
 * | decimal | number or string, exact: a digit beyond scale or precision is refused |
 * | utf8, enum, uuid | string |
 * | binary, fixed | base64 (RFC 4648 section 4) |
 * | date, time | `2026-11-21`, `10:00:00.000` |
 * | timestamp | ISO 8601, with zone when the column is UTC and without when it is local; or an integer in the unit |
 * | list; struct, map | array; object |
 *
 * A missing nullable field is null, another missing one takes its default or the record is refused. Integers are taken
 * for date (days) and time (unit since midnight), too.
 * @throws {ColumnarError} DECODER_OPTION; ROW_VALUE when a default does not fit its column
 */
export function compileJsonDecoder(schema: Schema, options: JsonDecoderOptions = {}): Decoder {
  const settings = jsonSettings(options)
  const layout = layoutOf(schema)
  const cursor = new JsonCursor()
  const readRecord = compileRecordReader(layout, settings, cursor)

  return {
    schema,
    decodeInto(
      builder: BatchBuilder,
      input: RecordRanges,
      from: number,
      to: number,
      rejects: DecodeReject[],
      rowsOut?: Int32Array,
      rowsOutAt = 0,
    ): number {
      checkRanges(input, from, to, rowsOut, rowsOutAt)
      const set = storesOf(builder, schema)
      const before = set.length
      const rejectsBefore = rejects.length
      ensureSlots(set, 0, before + (to - from))
      cursor.bytes = new Uint8Array(input.bytes.buffer, input.bytes.byteOffset, input.bytes.length)
      let row = before
      let complete = false
      try {
        for (let i = from; i < to; i++) {
          const start = input.starts[i]!
          try {
            if (start < 0) cursor.fail('null_value', '', 'a value')
            cursor.pos = start
            cursor.end = input.ends[i]!
            readRecord(set, row)
            if (rowsOut !== undefined) rowsOut[rowsOutAt + row - before] = i
            row++
          } catch (error) {
            if (error !== badRecord) throw error
            rejects.push({ index: i, code: cursor.code, path: cursor.path, expected: cursor.expected })
          }
        }
        set.length = row
        complete = true
      } finally {
        // A full builder is the one way not to complete: the call has then appended nothing.
        if (!complete) rejects.length = rejectsBefore
        cursor.bytes = cursor.text = new Uint8Array(0)
      }
      return row - before
    },
  }
}
