/** The arrays of a slab, by what they hold; all of one length. */
export interface SlabArrays {
  readonly offsets: Float64Array
  readonly timestamps: Float64Array
  readonly keyStart: Int32Array
  readonly keyEnd: Int32Array
  readonly valueStart: Int32Array
  readonly valueEnd: Int32Array
  readonly headersStart: Int32Array
  readonly headersEnd: Int32Array
}

/**
 * Memory for slabs that are done with before the next one is split: what one call gave out is overwritten by the next.
 * A buffer that became large for one chunk is given back when the chunks after it are small.
 */
export interface SlabScratch {
  /** Arrays with room for `capacity` records, not cleared. */
  arrays(capacity: number): SlabArrays
  /** `length` bytes, not cleared. */
  bytes(length: number): Uint8Array
}

/** Memory kept whatever the chunks are like. */
const keptBytes = 16 * 1024 * 1024

export function slabArrays(capacity: number): SlabArrays {
  return {
    offsets: new Float64Array(capacity),
    timestamps: new Float64Array(capacity),
    keyStart: new Int32Array(capacity),
    keyEnd: new Int32Array(capacity),
    valueStart: new Int32Array(capacity),
    valueEnd: new Int32Array(capacity),
    headersStart: new Int32Array(capacity),
    headersEnd: new Int32Array(capacity),
  }
}

export function createSlabScratch(): SlabScratch {
  let arrays = slabArrays(0)
  let bytes = new Uint8Array(0)
  return {
    arrays(capacity) {
      const held = arrays.offsets.length
      if (held < capacity || (held > 8 * capacity && held * 40 > keptBytes)) {
        arrays = slabArrays(Math.max(1024, capacity + (capacity >> 1)))
      }
      return arrays
    },
    bytes(length) {
      if (bytes.length < length || (bytes.length > 8 * length && bytes.length > keptBytes)) {
        bytes = new Uint8Array(Math.max(64 * 1024, length + (length >> 2)))
      }
      return bytes.subarray(0, length)
    },
  }
}
