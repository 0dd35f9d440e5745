import { afterAll, describe, expect, it } from 'vitest'
import type { CommitInfo, PipelineOptions } from '../src/pipeline/options.ts'
import { createPipeline } from '../src/pipeline/pipeline.ts'
import { record, userEvents, valueV2 } from './pipeline-events.ts'
import { CodedError, contractFor, fakeDecoder, fakeSink, fakeSource, partitionOf } from './pipeline-fakes.ts'
import { openTestLake, openTestWorkers, runOnce } from './pipeline-lake.ts'

function following(records: string, extra: Partial<PipelineOptions> = {}) {
  const log = { partition: partitionOf('a'), records }
  const source = fakeSource([log])
  const sink = fakeSink()
  const decoder = fakeDecoder()
  const stop = new AbortController()
  const pipeline = createPipeline({
    source,
    sink,
    decoder,
    contracts: [contractFor('a')],
    startPolicy: 'earliest',
    signal: stop.signal,
    backOff: { firstMs: 1, maxMs: 4, jitter: 0 },
    rotation: { idleMs: 5 },
    lagEveryMs: 5,
    ...extra,
  })
  const run = pipeline.run({ until: 'aborted' })
  const end = async () => {
    stop.abort()
    return run
  }
  const partition = () => pipeline.status().partitions[0]
  return { log, source, sink, decoder, pipeline, partition, end }
}

async function until(met: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !met(); i++) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(met()).toBe(true)
}

function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { wait: () => promise, open: resolve }
}

describe('the status of a pipeline', () => {
  it('shows a read that never returns', async () => {
    const { source, pipeline, end, partition } = following('gg')
    await until(() => partition()?.next === 2)
    const hang = gate()
    let held = 0
    source.beforePoll = () => {
      held += 1
      return hang.wait()
    }
    await until(() => held > 0)
    const { loop } = pipeline.status()
    expect(loop.waitsFor).toBe('source')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(pipeline.status().loop).toEqual(loop)
    hang.open()
    await until(() => pipeline.status().loop.since > loop.since)
    await end()
    expect(pipeline.status().loop.waitsFor).toBe('nothing')
  })

  it('says since when a commit is under way, and nothing when all is done', async () => {
    const { sink, partition, end } = following('ggg')
    const hang = gate()
    let held = false
    sink.before = (act) => {
      if (act !== 'commit') return undefined
      held = true
      return hang.wait()
    }
    await until(() => held)
    const since = partition()!.busySince
    expect(since).not.toBeNull()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(partition()!.busySince).toBe(since)
    hang.open()
    await until(() => partition()!.next === 3 && partition()!.busySince === null)
    await end()
  })

  it('measures lag while nothing is read', async () => {
    const { log, source, partition, end } = following('gg')
    await until(() => partition()?.lag === 0 && partition()?.next === 2)
    source.beforePoll = () => {
      throw new CodedError('SOURCE_UNAVAILABLE')
    }
    Object.assign(log, { records: 'ggggggg' })
    await until(() => partition()!.lag === 5)
    await end()
  })

  it('names the trouble of a source as long as it lasts', async () => {
    const { source, pipeline, end } = following('g')
    await until(() => pipeline.status().partitions[0]?.next === 1)
    source.beforePoll = () => {
      throw new CodedError('SOURCE_UNAVAILABLE')
    }
    await until(() => pipeline.status().source !== null)
    const { since, code } = pipeline.status().source!
    expect(code).toBe('SOURCE_UNAVAILABLE')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(pipeline.status().source?.since).toBe(since)
    source.beforePoll = () => undefined
    await until(() => pipeline.status().source === null)
    await end()
  })

  it('shows a circuit that opened', async () => {
    const { pipeline, end } = following('b'.repeat(20), { circuitBreaker: { window: 5, maxShare: 0.5 } })
    await until(() => pipeline.status().circuits['a']?.open === true)
    expect(pipeline.status().circuits['a']!.badShare).toBe(1)
    await end()
  })
})

describe('what a commit says about itself', () => {
  const shared = openTestWorkers()
  afterAll(() => shared.close())

  it('is how old its oldest record was, also when the rows went to a worker', async () => {
    const lake = await openTestLake(1)
    try {
      const at = Date.UTC(2026, 0, 5)
      const records = Array.from({ length: 50 }, (_, n) => ({ ...record(valueV2(n), n), timestamp: at + n * 1000 }))
      await lake.log.append(userEvents.topic, 0, records)
      const infos: CommitInfo[] = []
      await runOnce(lake, { shared, pipeline: { onReceipt: (_receipt, info) => void infos.push(info) } })
      expect(infos.map(({ oldestRecord }) => oldestRecord)).toEqual([at])
      expect(infos[0]!.tookMs).toBeGreaterThanOrEqual(0)
      expect(infos[0]!.at).toBeGreaterThan(at)
    } finally {
      await lake.dispose()
    }
  })
})
