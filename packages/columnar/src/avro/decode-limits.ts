/** What one record may cost, checked before anything is allocated for it. */
export interface DecodeLimits {
  /** Bytes of the record. */
  readonly maxBytes: number
  /** Items of all arrays and maps of the record together (RELIABILITY input 7). */
  readonly maxItems: number
  /** Of these, items that take no bytes, such as null: they cost the sender nothing. */
  readonly maxEmptyItems: number
  /** Records, arrays and maps inside each other (input 10). */
  readonly maxDepth: number
}

export const decodeLimits: DecodeLimits = Object.freeze({
  maxBytes: 64 * 1024 * 1024,
  maxItems: 1_000_000,
  maxEmptyItems: 10_000,
  maxDepth: 100,
})
