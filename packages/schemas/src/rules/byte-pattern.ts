/**
 * A matcher of UTF-8 bytes for patterns of fixed length such as `^STORE-[0-9]{3}$`: no text is made of the bytes.
 * @returns one set of allowed bytes per position, or `undefined` when the pattern is not of this form
 */
export function bytePattern(pattern: string): readonly Uint8Array[] | undefined {
  if (!pattern.startsWith('^') || !pattern.endsWith('$') || pattern.endsWith('\\$')) return undefined
  let rest = pattern.slice(1, -1)
  const positions: Uint8Array[] = []
  while (rest.length > 0) {
    const match = /^(?:([A-Za-z0-9 _@%#,:;=<>!~'"/&-])|\\([.\\^$*+?()[\]{}|/])|\[([^\]^\\]+)\])(?:\{(\d{1,3})\})?/.exec(
      rest,
    )
    if (match === null) return undefined
    const [whole, plain, escaped, ranges, count = '1'] = match
    const set = new Uint8Array(256)
    const single = plain ?? escaped
    if (single !== undefined) set[single.charCodeAt(0)] = 1
    else if (!addRanges(set, ranges!)) return undefined
    for (let i = 0; i < Number(count); i++) positions.push(set)
    rest = rest.slice(whole.length)
  }
  return positions
}

function addRanges(set: Uint8Array, ranges: string): boolean {
  for (let i = 0; i < ranges.length; i++) {
    const from = ranges.charCodeAt(i)
    const isRange = ranges[i + 1] === '-' && i + 2 < ranges.length
    const to = isRange ? ranges.charCodeAt(i + 2) : from
    if (from > 127 || to > 127 || to < from) return false
    set.fill(1, from, to + 1)
    if (isRange) i += 2
  }
  return true
}
