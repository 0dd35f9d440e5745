const values = new Uint8Array(256).fill(0xff)
'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.split('').forEach((char, i) => {
  values[char.charCodeAt(0)] = i
})
const urlValues = values.slice()
urlValues['-'.charCodeAt(0)] = 62
urlValues['_'.charCodeAt(0)] = 63

/**
 * Number of bytes that base64 text stands for, or -1 when its length or padding is wrong.
 * @param lenient padding may be missing
 */
export function base64Length(text: Uint8Array, from: number, to: number, lenient: boolean): number {
  let end = to
  while (end > from && to - end < 2 && text[end - 1] === 0x3d) end--
  const padded = end < to
  if ((to - from) % 4 !== 0 && (padded || !lenient)) return -1
  const rest = (end - from) % 4
  return rest === 1 ? -1 : Math.floor((end - from) / 4) * 3 + (rest === 0 ? 0 : rest - 1)
}

/**
 * Decodes base64 whose length `base64Length` accepted; false on a character outside the alphabet or bits left over.
 * @param lenient also takes the URL alphabet
 */
export function decodeBase64(
  text: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
  length: number,
  lenient: boolean,
): boolean {
  const table = lenient ? urlValues : values
  const characters = Math.ceil((length * 4) / 3)
  if (from + characters > to) return false
  let bits = 0
  let count = 0
  let target = at
  for (let p = from; p < from + characters; p++) {
    const value = table[text[p]!]!
    if (value > 63) return false
    bits = ((bits << 6) | value) & 0xffff
    count += 6
    if (count >= 8) {
      count -= 8
      out[target++] = bits >> count
    }
  }
  return (bits & ((1 << count) - 1)) === 0
}
