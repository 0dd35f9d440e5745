import { ColumnarError } from '../errors.ts'

export interface JsonDecoderOptions {
  /**
   * `strict` (default) refuses unknown fields, repeated keys, a byte order mark and numbers in strings. `lenient` ignores
   * unknown fields, takes the last of repeated fields, skips a byte order mark, and takes numbers written as strings
   * (also `"NaN"` and `"Infinity"` for floats), integers written as `1.0`, base64 without padding or in the URL alphabet,
   * and the usual variants of ISO 8601.
   */
  readonly mode?: 'strict' | 'lenient'
  /** Values for fields that are missing, by path (`plan`, `user.plan`, `items[].unit`), in the form of `rowsOf`. */
  readonly defaults?: Readonly<Record<string, unknown>>
  /** Objects and arrays inside each other, the record included. */
  readonly maxDepth?: number
  /** Bytes of a record. */
  readonly maxBytes?: number
  /** Items of all arrays and maps of a record together. */
  readonly maxItems?: number
}

export interface JsonSettings {
  readonly lenient: boolean
  readonly defaults: ReadonlyMap<string, unknown>
  readonly maxDepth: number
  readonly maxBytes: number
  readonly maxItems: number
}

/** Fills in and checks the options. */
export function jsonSettings(options: JsonDecoderOptions): JsonSettings {
  const { mode = 'strict', defaults = {}, maxDepth = 100, maxBytes = 64 * 1024 * 1024, maxItems = 1_000_000 } = options
  if (mode !== 'strict' && mode !== 'lenient') {
    throw new ColumnarError('DECODER_OPTION', 'mode must be strict or lenient')
  }
  for (const [name, value, max] of [
    ['maxDepth', maxDepth, 1_000],
    ['maxBytes', maxBytes, 0x7fff_ffff],
    ['maxItems', maxItems, 0x7fff_ffff],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > max) {
      throw new ColumnarError('DECODER_OPTION', `${name} must be a whole number from 1 to ${max}`)
    }
  }
  return { lenient: mode === 'lenient', defaults: new Map(Object.entries(defaults)), maxDepth, maxBytes, maxItems }
}
