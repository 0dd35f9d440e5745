import { storesOf } from '../builder/batch-builder.ts'
import { ensureBytes, ensureSlots } from '../builder/column-store.ts'
import { isTextValid } from '../builder/check-text.ts'
import type { StoreSet } from '../builder/column-store.ts'
import { layoutOf } from '../builder/layout.ts'
import { writeValue } from '../builder/write-value.ts'
import { ColumnarError } from '../errors.ts'
import { checkRanges } from '../record-ranges.ts'
import type { BatchBuilder, DecodeReject, Decoder, RecordRanges } from '../types.ts'
import { isValidUtf8 } from '../utf8.ts'
import { parseUuid } from '../uuid.ts'
import { schemaOfNode } from './columns.ts'
import { decodeLimits } from './decode-limits.ts'
import type { DecodeLimits } from './decode-limits.ts'
import { emitDecoder } from './emit.ts'
import type { AvroLimits, RecordNode } from './model.ts'
import { parseAvro } from './parse.ts'
import type { AvroSource } from './parse.ts'
import { resolve } from './resolve.ts'
import type { Site } from './source.ts'
import { copyBytes, longToDouble, longToFloat, readCount, readDecimal, readInt, readLong } from './wire.ts'

export interface AvroDecoderOptions {
  readonly limits?: Partial<DecodeLimits>
  readonly schemaLimits?: Partial<AvroLimits>
}

const runtime = {
  readLong,
  readInt,
  readCount,
  longToDouble,
  longToFloat,
  readDecimal,
  isValidUtf8,
  parseUuid,
  copyBytes,
  ensureBytes,
  ensureSlots,
  writeDefault: (set: StoreSet, column: number, i: number, value: unknown): void =>
    writeValue(set, set.layout.columns[column]!, i, value, ''),
}

/** The generated record loop; returns the number of rows the builder has afterwards. */
type RecordLoop = (
  set: StoreSet,
  bytes: Uint8Array,
  view: DataView,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  to: number,
  report: (index: number, site: number) => void,
  rowsOut: Int32Array | undefined,
  rowsOutAt: number,
) => number

interface CompiledLoop {
  readonly loop: RecordLoop
  readonly sites: readonly Site[]
}

/** Records in one call below which strings are checked one by one: looking at whole columns has a fixed cost. */
const checkTextBelow = 16

/** Checks limits, naming the option. */
function vetLimits(limits: DecodeLimits): DecodeLimits {
  for (const [name, value] of Object.entries(limits) as [string, number][]) {
    if (!Number.isInteger(value) || value < 0 || value > 0x7fff_ffff) {
      throw new ColumnarError('DECODER_OPTION', `limits.${name} must be a whole number from 0 to 2^31 - 1`)
    }
  }
  return limits
}

/**
 * Compiles a decoder of Avro binary records (without envelope) of one writer schema into columns of the reader schema.
 *
 * The generated code holds indices and numbers only; no name of a schema enters it. It is as strict as it is fast:
 * bytes left over, booleans above 1, invalid UTF-8 and the like are refused, also in fields the reader does not want.
 * @throws {ColumnarError} AVRO_INCOMPATIBLE with every incompatible path, AVRO_UNSUPPORTED, AVRO_INVALID,
 *   AVRO_TOO_LARGE, AVRO_NAMES_CLASH, DECODER_OPTION
 */
export function compileAvroDecoder(writer: AvroSource, reader: AvroSource, options: AvroDecoderOptions = {}): Decoder {
  const limits = vetLimits({ ...decodeLimits, ...options.limits })
  const readerNode = parseAvro(reader, options.schemaLimits)
  const writerNode = parseAvro(writer, options.schemaLimits)
  const schema = schemaOfNode(readerNode, options.schemaLimits)
  const layout = layoutOf(schema)
  const steps = resolve(writerNode, readerNode as RecordNode, layout)
  const compile = (checkText: boolean): CompiledLoop => {
    const { source, constants, sites } = emitDecoder(steps, layout, limits, checkText)
    return { loop: new Function('runtime', 'constants', source)(runtime, constants) as RecordLoop, sites }
  }
  const trusting = compile(false)
  let checking: CompiledLoop | undefined

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
      // One object shape for the generated code, whether the caller has a Buffer or not.
      const bytes = new Uint8Array(input.bytes.buffer, input.bytes.byteOffset, input.bytes.length)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      const run = ({ loop, sites }: CompiledLoop): number => {
        const report = (index: number, site: number): void => {
          rejects.push({ index, ...sites[site - 1]! })
        }
        return loop(set, bytes, view, input.starts, input.ends, from, to, report, rowsOut, rowsOutAt)
      }
      let complete = false
      try {
        let after = 0
        if (to - from < checkTextBelow) after = run((checking ??= compile(true)))
        else {
          after = run(trusting)
          if (!isTextValid(set, before, after)) {
            // Some string is not UTF-8: find out which, record by record.
            rejects.length = rejectsBefore
            after = run((checking ??= compile(true)))
          }
        }
        set.length = after
        complete = true
      } finally {
        // A full builder is the one way not to complete: the call has then appended nothing.
        if (!complete) rejects.length = rejectsBefore
      }
      return set.length - before
    },
  }
}
