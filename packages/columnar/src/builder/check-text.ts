import { isAscii, isUtf8 } from 'node:buffer'
import { slotCounts } from './column-store.ts'
import type { StoreSet } from './column-store.ts'

/**
 * Whether every string in rows `[from, to)` is valid UTF-8, at all levels. Looks at the bytes of a column as a whole:
 * they are valid string by string exactly when they are valid together and no string starts inside a character.
 */
export function isTextValid(set: StoreSet, from: number, to: number): boolean {
  const first = slotCounts(set, from)
  const last = slotCounts(set, to)
  for (const { node, bytes, offsets } of set.columns) {
    if (node.type.kind !== 'utf8') continue
    const start = first[node.group]!
    const end = last[node.group]!
    const text = bytes.subarray(offsets[start]!, offsets[end]!)
    if (isAscii(text)) continue
    if (!isUtf8(text)) return false
    for (let i = start; i < end; i++) {
      const at = offsets[i]!
      if (at < offsets[i + 1]! && (bytes[at]! & 0xc0) === 0x80) return false
    }
  }
  return true
}
