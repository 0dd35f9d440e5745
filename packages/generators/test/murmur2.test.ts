import { describe, expect, test } from 'vitest'
import { murmur2, partitionForKey } from '../src/index.ts'

// Vectors of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
const vectors: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

describe('murmur2', () => {
  test.each(vectors)('hashes %s as Kafka does', (text, hash) => {
    expect(murmur2(new TextEncoder().encode(text))).toBe(hash)
  })

  test('a partition is the positive hash modulo partitions', () => {
    for (const [text, hash] of vectors) {
      expect(partitionForKey(new TextEncoder().encode(text), 7)).toBe((hash & 0x7fffffff) % 7)
    }
    expect(partitionForKey(new Uint8Array(0), 3)).toBeGreaterThanOrEqual(0)
  })
})
