import { copyHeader, copyTrailer } from '../encode/copy-format.ts'
import type { EncodedRows } from '../encode/encode-rows.ts'

/** The bytes of a COPY: all rows but those whose offsets are left out. */
export function copyChunks(rows: readonly EncodedRows[], leaveOut: ReadonlySet<number>): Uint8Array[] {
  const chunks: Uint8Array[] = [copyHeader]
  for (const part of rows) {
    if (leaveOut.size === 0) {
      chunks.push(part.bytes)
      continue
    }
    let from = 0
    for (let row = 0; row < part.length; row++) {
      if (!leaveOut.has(part.offsets[row]!)) continue
      if (from < row) chunks.push(part.bytes.subarray(part.starts[from], part.starts[row]))
      from = row + 1
    }
    if (from < part.length) chunks.push(part.bytes.subarray(part.starts[from], part.starts[part.length]))
  }
  chunks.push(copyTrailer)
  return chunks
}

/** Offset of the row that COPY calls line `line` (from 1) when it was given these rows. */
export function offsetOfLine(
  rows: readonly EncodedRows[],
  leaveOut: ReadonlySet<number>,
  line: number,
): number | undefined {
  let seen = 0
  for (const part of rows) {
    for (let row = 0; row < part.length; row++) {
      if (leaveOut.has(part.offsets[row]!)) continue
      seen += 1
      if (seen === line) return part.offsets[row]
    }
  }
  return undefined
}
