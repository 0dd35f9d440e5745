/** Finds a pattern of bytes in a stream that comes in pieces, also across their borders. */
export function createPatternFinder(pattern: Uint8Array): (chunk: Uint8Array) => boolean {
  if (pattern.length === 0) throw new TypeError('a pattern needs at least one byte')
  let tail = Buffer.alloc(0)
  return (chunk) => {
    const seen = Buffer.concat([tail, chunk])
    tail = seen.subarray(Math.max(0, seen.length - pattern.length + 1))
    return seen.indexOf(pattern) >= 0
  }
}
