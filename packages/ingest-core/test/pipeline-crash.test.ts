import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { auditChain } from '../src/sink/audit.ts'
import type { SinkHookPoint } from '../src/sink/hooks.ts'
import { badRecords, record, userEvents, valueV1, valueV2 } from './pipeline-events.ts'
import { contentOf, openTestLake, openTestWorkers, runOnce, sinkId } from './pipeline-lake.ts'
import type { TestLake } from './pipeline-lake.ts'

const child = fileURLToPath(new URL('./pipeline-crash-child.ts', import.meta.url))
const shared = openTestWorkers()
let lake: TestLake

afterAll(() => shared.close())
beforeEach(async () => {
  lake = await openTestLake(2)
})
afterEach(() => lake.dispose())

/** Runs the child to its end; resolves with the signal that ended it. */
function crash(point: SinkHookPoint | 'time', count: number): Promise<NodeJS.Signals | null> {
  const args = ['--conditions=sluice-source', child, lake.root, point, String(count)]
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    running.on('error', reject)
    running.on('exit', (_, signal) => resolve(signal))
  })
}

const perPartition = 300

async function produce(): Promise<{ rows: string[]; dead: string[] }> {
  const rows: string[] = []
  const dead: string[] = []
  for (const partition of [0, 1]) {
    const records = Array.from({ length: perPartition }, (_, n) => {
      const bad = n % 10 === 7 ? badRecords[Math.floor(n / 10) % badRecords.length] : undefined
      if (bad === undefined) rows.push(`${partition}:${n}`)
      else dead.push(`${partition}:${n} ${bad.code}`)
      return bad?.record ?? record(n % 2 ? valueV1(n) : valueV2(n), n)
    })
    await lake.log.append(userEvents.topic, partition, records)
  }
  await lake.log.flush()
  return { rows: rows.sort(), dead: dead.sort() }
}

describe('killed and started again', () => {
  it.each([
    ['before_plan', 1],
    ['after_plan', 2],
    ['after_some_puts', 1],
    ['before_done', 3],
    ['after_done', 2],
    ['time', 1],
  ] as const)('at %s (%i), the lake holds each record once', async (point, count) => {
    const expected = await produce()
    expect(await crash(point, count)).toBe('SIGKILL')
    const summary = await runOnce(lake, { shared, pipeline: { rotation: { rows: 45 } } })
    expect(summary.outcome).toBe('caught-up')
    const content = await contentOf(lake.store)
    expect(content.rows).toEqual(expected.rows)
    expect(content.dead).toEqual(expected.dead)
    const audit = await auditChain(lake.store, { sinkId, deep: true })
    expect(audit.findings.filter((finding) => finding.severity === 'error')).toEqual([])
    expect(audit.partitions.reduce((sum, partition) => sum + partition.counts.consumed, 0)).toBe(2 * perPartition)
  })

  it('survives being killed again and again', async () => {
    const expected = await produce()
    for (const [point, count] of [
      ['after_plan', 1],
      ['after_put', 1],
      ['after_done', 1],
      ['before_plan', 2],
    ] as const) {
      expect(await crash(point, count)).toBe('SIGKILL')
    }
    const summary = await runOnce(lake, { shared })
    expect(summary.partitions.map(({ state, error }) => [state, error])).toEqual([
      ['closed', null],
      ['closed', null],
    ])
    const content = await contentOf(lake.store)
    expect([content.rows, content.dead]).toEqual([expected.rows, expected.dead])
  })
})
