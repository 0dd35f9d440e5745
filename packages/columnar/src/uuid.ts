/** Value of a hexadecimal digit by character code, else 0xff. */
const hexValue = new Uint8Array(256).fill(0xff)
for (let i = 0; i < 10; i++) hexValue[0x30 + i] = i
for (let i = 0; i < 6; i++) {
  hexValue[0x41 + i] = 10 + i
  hexValue[0x61 + i] = 10 + i
}

/** Writes the uuid whose 36 characters start at `from` as 16 bytes in text order; false when it is none. */
export function parseUuid(src: Uint8Array, from: number, out: Uint8Array, at: number): boolean {
  let p = from
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) {
      if (src[p] !== 0x2d) return false
      p++
    }
    const high = hexValue[src[p]!]!
    const low = hexValue[src[p + 1]!]!
    if ((high | low) > 15) return false
    out[at + i] = (high << 4) | low
    p += 2
  }
  return true
}

/** Lower-case text of the uuid at 16-byte slot `i`. */
export function uuidText(values: Uint8Array, i: number): string {
  const hex = Buffer.from(values.buffer, values.byteOffset + 16 * i, 16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
