import type { Random } from './prng.ts'

const hexPairs: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** A random UUID (version 4, RFC 9562) drawn from `random`. */
export function uuid(random: Random): string {
  const h = hexPairs
  const a = random.uint32()
  const b = random.uint32()
  const c = random.uint32()
  const d = random.uint32()
  return (
    `${h[a >>> 24]!}${h[(a >>> 16) & 255]!}${h[(a >>> 8) & 255]!}${h[a & 255]!}-` +
    `${h[b >>> 24]!}${h[(b >>> 16) & 255]!}-${h[((b >>> 8) & 15) | 0x40]!}${h[b & 255]!}-` +
    `${h[((c >>> 24) & 63) | 0x80]!}${h[(c >>> 16) & 255]!}-${h[(c >>> 8) & 255]!}${h[c & 255]!}` +
    `${h[d >>> 24]!}${h[(d >>> 16) & 255]!}${h[(d >>> 8) & 255]!}${h[d & 255]!}`
  )
}
