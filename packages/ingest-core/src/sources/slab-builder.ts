import type { RecordSlab } from '../contracts/records.ts'

export interface SlabBuilder {
  readonly length: number
  /** Ranges are of the array given to `finish`; a start of -1 means null. */
  add(
    offset: number,
    timestamp: number,
    key: readonly [number, number],
    value: readonly [number, number],
    headers: readonly [number, number],
  ): void
  finish(bytes: Uint8Array): RecordSlab
}

/** The range of something that is not there. */
export const nothing: readonly [number, number] = [-1, -1]

/** Gathers record ranges when their number is not known beforehand. */
export function createSlabBuilder(): SlabBuilder {
  const offsets: number[] = []
  const timestamps: number[] = []
  const ranges: [number[], number[], number[], number[], number[], number[]] = [[], [], [], [], [], []]
  return {
    get length() {
      return offsets.length
    },
    add(offset, timestamp, key, value, headers) {
      offsets.push(offset)
      timestamps.push(timestamp)
      ranges[0].push(key[0])
      ranges[1].push(key[1])
      ranges[2].push(value[0])
      ranges[3].push(value[1])
      ranges[4].push(headers[0])
      ranges[5].push(headers[1])
    },
    finish: (bytes) => ({
      bytes,
      length: offsets.length,
      offsets: Float64Array.from(offsets),
      timestamps: Float64Array.from(timestamps),
      keyStart: Int32Array.from(ranges[0]),
      keyEnd: Int32Array.from(ranges[1]),
      valueStart: Int32Array.from(ranges[2]),
      valueEnd: Int32Array.from(ranges[3]),
      headersStart: Int32Array.from(ranges[4]),
      headersEnd: Int32Array.from(ranges[5]),
    }),
  }
}
