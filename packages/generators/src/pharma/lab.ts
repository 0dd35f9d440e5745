import type { Row } from '../domain.ts'
import type { Random } from '../prng.ts'
import type { Batch } from './batch.ts'

/** Real cadence of the laboratory, per batch. */
export const labIntervalMs = 2 * 60 * 60_000
export const passRate = 0.9

const tests = [
  { name: 'DISSOLUTION', min: 85, max: 110, unit: '%' },
  { name: 'WEIGHT_UNIFORMITY', min: -5, max: 5, unit: '%' },
  { name: 'HARDNESS', min: 50, max: 120, unit: 'N' },
  { name: 'MOISTURE', min: 0, max: 3, unit: '%' },
] as const
const analysts = ['ANALYST-001', 'ANALYST-002', 'ANALYST-003'] as const

/** Tests of a batch: 90 % pass; a failing result lies 1 to 10 outside of specification. */
export function createLab(options: {
  readonly random: Random
  readonly emit: (row: Row, at: number) => void
  readonly onFail: (batch: Batch, testId: string, at: number) => void
}) {
  const { random, emit, onFail } = options
  let number = 0
  return {
    test(batch: Batch, at: number): void {
      for (const { name, min, max, unit } of tests) {
        number++
        const testId = `TEST-${String(number).padStart(8, '0')}`
        const pass = random.chance(passRate)
        const beyond = random.range(1, 10)
        // Moisture cannot be below nothing, so it fails above.
        const result = pass
          ? random.range(min, max)
          : name !== 'MOISTURE' && random.chance(0.5)
            ? min - beyond
            : max + beyond
        emit(
          {
            test_id: testId,
            batch_id: batch.id,
            test_name: name,
            test_result: Math.round(result * 1000) / 1000,
            unit,
            specification_min: min,
            specification_max: max,
            pass_fail: pass ? 'PASS' : 'FAIL',
            analyst_id: random.pick(analysts),
            test_timestamp: BigInt(at),
          },
          at + random.between(1000, 60_000),
        )
        if (!pass) onFail(batch, testId, at)
      }
    },
  }
}
