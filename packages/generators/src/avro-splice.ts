import type { AvroNode } from '@sluice/schemas'
import type { AvroEncoder } from './avro-encoder.ts'
import type { Random } from './prng.ts'
import type { DamagedValue } from './value-format.ts'

/** Damages the framed value that `encoder` has just written; `undefined` when this value cannot have the damage. */
export type Damage = (value: Uint8Array, encoder: AvroEncoder, random: Random) => DamagedValue | undefined

/** Replaces the bytes of top-level field `i`. */
export function spliceField(value: Uint8Array, encoder: AvroEncoder, i: number, bytes: readonly number[]): Uint8Array {
  const start = i === 0 ? encoder.bodyStart : encoder.fieldEnds[i - 1]!
  const end = encoder.fieldEnds[i]!
  const out = new Uint8Array(value.length - (end - start) + bytes.length)
  out.set(value.subarray(0, start))
  out.set(bytes, start)
  out.set(value.subarray(end), start + bytes.length)
  return out
}

/** Zigzag varint of a number of at most 30 bits. */
export function varint(n: number): number[] {
  const bytes: number[] = []
  let z = n < 0 ? -2 * n - 1 : 2 * n
  while (z > 0x7f) {
    bytes.push((z & 0x7f) | 0x80)
    z >>>= 7
  }
  bytes.push(z)
  return bytes
}

/** Prefix that selects the non-null branch of a nullable field; nothing for a plain field. */
export function branchPrefix(node: AvroNode): number[] {
  if (node.kind !== 'union') return []
  return varint(node.branches.findIndex((branch) => branch.kind !== 'null'))
}
