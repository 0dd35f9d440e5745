import { describe, expect, test } from 'vitest'
import { createLatenessTruth } from '../src/index.ts'

describe('lateness', () => {
  test('is judged by the watermark before the row, to the unit', () => {
    const truth = createLatenessTruth({ partitions: 1, lateness: 10 })
    expect(truth.watermark(0)).toBe(-Infinity)
    expect(truth.next(0, -5)).toBe(false)
    expect(truth.next(0, 100)).toBe(false)
    expect(truth.next(0, 90)).toBe(false) // exactly the allowed lateness
    expect(truth.next(0, 89)).toBe(true)
    expect(truth.watermark(0)).toBe(100)
    expect(truth.next(0, 101)).toBe(false)
    expect(truth.next(0, 90)).toBe(true)
  })

  test('partitions know nothing of each other, and a snapshot continues them', () => {
    const truth = createLatenessTruth({ partitions: 3, lateness: 0 })
    truth.next(0, 50)
    truth.next(2, 7)
    expect(truth.snapshot()).toEqual([50, null, 7])
    const later = createLatenessTruth({ partitions: 3, lateness: 0, initial: truth.snapshot() })
    expect([later.next(0, 49), later.next(1, -1_000_000), later.next(2, 7)]).toEqual([true, false, false])
  })
})
