import type { JsonCursor } from './cursor.ts'

/** Finds the index of the string just read among fixed names; -1 when it is none of them. */
export interface NameIndex {
  /** @param guess index to try first: fields mostly come in the same order */
  find(cursor: JsonCursor, guess: number): number
}

export function createNameIndex(names: readonly string[]): NameIndex {
  const encoder = new TextEncoder()
  const encoded = names.map((name) => encoder.encode(name))
  // Chains of names with the same length and outer bytes: nearly always one name each.
  const buckets = new Map<number, number[]>()
  const keyOf = (text: Uint8Array, from: number, to: number): number =>
    to === from ? 0 : ((to - from) << 16) | (text[from]! << 8) | text[to - 1]!
  encoded.forEach((name, i) => {
    const key = keyOf(name, 0, name.length)
    buckets.set(key, [...(buckets.get(key) ?? []), i])
  })
  const equals = (cursor: JsonCursor, name: Uint8Array): boolean => {
    const { text, from } = cursor
    if (cursor.to - from !== name.length) return false
    for (let i = 0; i < name.length; i++) if (text[from + i] !== name[i]) return false
    return true
  }
  return {
    find(cursor, guess) {
      if (guess < encoded.length && equals(cursor, encoded[guess]!)) return guess
      const bucket = buckets.get(keyOf(cursor.text, cursor.from, cursor.to))
      if (bucket !== undefined) {
        for (let k = 0; k < bucket.length; k++) if (equals(cursor, encoded[bucket[k]!]!)) return bucket[k]!
      }
      return -1
    },
  }
}
