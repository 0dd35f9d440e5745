import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import type { CommitReceipt } from '../src/contracts/sink.ts'
import type { PipelineOptions } from '../src/pipeline/options.ts'
import { partitionKey } from '../src/pipeline/partition-key.ts'
import { createPipeline } from '../src/pipeline/pipeline.ts'
import { PipelineError } from '../src/pipeline/errors.ts'
import {
  CodedError,
  contractFor,
  fakeDecoder,
  fakeLake,
  fakeSink,
  fakeSource,
  manualClock,
  offsetsOf,
  partitionOf,
} from './pipeline-fakes.ts'
import type { FakeLog, FakeSource } from './pipeline-fakes.ts'

function setUp(logs: FakeLog[], extra: Partial<PipelineOptions> = {}, lake = fakeLake()) {
  const source = fakeSource(logs)
  const sink = fakeSink(lake)
  const decoder = fakeDecoder()
  const stop = new AbortController()
  const topics = [...new Set(logs.map((log) => log.partition.topic))]
  const pipeline = createPipeline({
    source,
    sink,
    decoder,
    contracts: topics.map(contractFor),
    startPolicy: 'earliest',
    signal: stop.signal,
    backOff: { firstMs: 1, maxMs: 4, jitter: 0 },
    ...extra,
  })
  return { source, sink, decoder, stop, pipeline, lake }
}

const key = (topic: string, partition = 0) => partitionKey(partitionOf(topic, partition))

/** Lets timers of the real clock and promises go on until `met`. */
async function until(met: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !met(); i++) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(met()).toBe(true)
}

describe('a run until caught up', () => {
  it('stores, dead-letters and filters each record exactly once, and a second run changes nothing', async () => {
    const records = 'ggbg-fggbbg-'.repeat(20)
    const logs = [
      { partition: partitionOf('a', 0), records },
      { partition: partitionOf('a', 1), records: 'g' },
      { partition: partitionOf('b'), records: '' },
    ]
    const { pipeline, lake, source } = setUp(logs)
    const summary = await pipeline.run({ until: 'caught-up' })

    expect(summary.outcome).toBe('caught-up')
    expect(lake.rows.get(key('a'))).toEqual(offsetsOf(records, 'g'))
    expect(lake.dead.get(key('a'))).toEqual(offsetsOf(records, 'b'))
    expect(lake.rows.get(key('a', 1))).toEqual([0])
    expect(lake.next.get(key('a'))).toBe(records.length)
    expect(summary.topics['a']).toEqual({
      consumed: 20 * 10 + 1,
      stored: 20 * 6 + 1,
      deadLettered: 20 * 3,
      filtered: 20,
      duplicate: 0,
      late: 0,
      inFlight: 0,
    })
    expect(source.reported).toContainEqual({ partition: logs[0]!.partition, next: records.length })

    const again = setUp(logs, {}, lake)
    const second = await again.pipeline.run({ until: 'caught-up' })
    expect(second.outcome).toBe('caught-up')
    expect(second.commits).toBe(0)
    expect(again.decoder.decoded).toBe(0)
  })

  it('cuts by rows and bytes, and goes on in order behind each cut', async () => {
    const records = 'g'.repeat(100)
    const { pipeline, sink, lake } = setUp([{ partition: partitionOf('a'), records }], { rotation: { rows: 30 } })
    await pipeline.run({ until: 'caught-up' })
    expect(sink.receipts.map((receipt) => [receipt.reason, receipt.start, receipt.end])).toEqual([
      ['rows', 0, 30],
      ['rows', 30, 60],
      ['rows', 60, 90],
      ['caught-up', 90, 100],
    ])
    expect(lake.rows.get(key('a'))).toEqual(offsetsOf(records, 'g'))

    const byBytes = setUp([{ partition: partitionOf('a'), records }], { rotation: { bytes: 500 } })
    await byBytes.pipeline.run({ until: 'caught-up' })
    expect(byBytes.sink.receipts.map((receipt) => receipt.reason)).toEqual(['bytes', 'caught-up'])
  })

  it('makes the first commit of a run early, of one partition, when asked to', async () => {
    const records = 'g'.repeat(60)
    const logs = [0, 1].map((partition) => ({ partition: partitionOf('a', partition), records }))
    const { pipeline, sink } = setUp(logs, { rotation: { firstRows: 20 } })
    await pipeline.run({ until: 'caught-up' })
    const receipts = sink.receipts.map(({ reason, start, end }) => [reason, start, end])
    expect(receipts[0]).toEqual(['rows', 0, 20])
    expect(receipts.slice(1).sort((a, b) => Number(a[1]) - Number(b[1]))).toEqual([
      ['caught-up', 0, 60],
      ['caught-up', 20, 60],
    ])
  })

  /** Has the chunks of `source` tell when their memory is given back. */
  function lend(source: FakeSource, released: (start: number) => void): void {
    const poll = source.poll.bind(source)
    source.poll = async (...args) =>
      (await poll(...args)).map((fetched) => ({ ...fetched, release: () => released(fetched.start) }))
  }

  it('gives memory back once when rows stay with the worker, after the chunk was decoded and written', async () => {
    const { pipeline, source, sink, decoder } = setUp([{ partition: partitionOf('a'), records: 'g'.repeat(50) }])
    Object.assign(sink, { residence: {} })
    let written = 0
    let decoding = 0
    sink.before = (act) => void (act === 'write' && (written += 1))
    decoder.before = async () => {
      decoding += 1
      await new Promise((resolve) => setTimeout(resolve, 1))
      decoding -= 1
    }
    const released: number[] = []
    lend(source, (start) => {
      released.push(start)
      expect(written).toBeGreaterThan(released.length - 1)
      expect(decoding).toBeLessThan(3)
    })
    await pipeline.run({ until: 'caught-up' })
    expect(released).toEqual([0, 10, 20, 30, 40])
  })

  it('gives memory back once to a source whose sink may quote it, when the records are committed', async () => {
    const { pipeline, source, sink } = setUp([{ partition: partitionOf('a'), records: 'g'.repeat(50) }])
    sink.commitBatches = 1
    const released: [start: number, commits: number][] = []
    lend(source, (start) => released.push([start, sink.receipts.length]))
    await pipeline.run({ until: 'caught-up' })
    expect(released).toEqual([0, 10, 20, 30, 40].map((start, at) => [start, at + 1]))
  })

  it('never gives memory back that the sink was told to drop: it may still look at it', async () => {
    const { pipeline, source, sink } = setUp([{ partition: partitionOf('a'), records: 'ggg' }])
    let failures = 1
    sink.before = (act) => {
      if (act === 'commit' && failures-- > 0) throw new CodedError('SINK_UNAVAILABLE')
    }
    const released: number[] = []
    lend(source, (start) => released.push(start))
    await pipeline.run({ until: 'caught-up' })
    // Read twice.
    expect(sink.receipts).toHaveLength(1)
    expect(released).toEqual([0])
  })

  it.each([undefined, {}])(
    'does not give memory back that is still being decoded when the partition is taken away: residence %o',
    async (residence) => {
      const partition = partitionOf('a')
      const { pipeline, source, sink, decoder, stop } = setUp([{ partition, records: 'g'.repeat(20) }])
      Object.assign(sink, { residence })
      const [writing, decoding] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const seen = new Set<string>()
      sink.before = (act) => {
        seen.add(act)
        return act === 'write' ? writing.promise : undefined
      }
      decoder.before = ({ start }) => {
        seen.add(`decode ${start}`)
        return start === 10 ? decoding.promise : undefined
      }
      const released: number[] = []
      lend(source, (start) => released.push(start))
      const running = pipeline.run({ until: 'aborted' })
      await until(() => seen.has('write') && seen.has('decode 10'))
      source.assign({ assigned: [], revoked: [partition] })
      writing.resolve()
      await until(() => pipeline.status().partitions.length === 0)
      await new Promise((resolve) => setTimeout(resolve, 10))
      expect(released).not.toContain(10)
      decoding.resolve()
      await until(() => released.includes(10))
      stop.abort()
      await running
    },
  )

  it('goes on committing when a commit covers less than was written, and commits when the sink asks for it', async () => {
    const records = 'g'.repeat(100)
    const { pipeline, sink, lake } = setUp([{ partition: partitionOf('a'), records }])
    sink.commitBatches = 2
    const summary = await pipeline.run({ until: 'caught-up' })
    expect(lake.rows.get(key('a'))).toEqual(offsetsOf(records, 'g'))
    expect(sink.receipts.map((receipt) => receipt.end)).toEqual([20, 40, 60, 80, 100])
    expect(summary.topics['a']).toMatchObject({ consumed: 100, stored: 100, inFlight: 0 })

    const advised = setUp([{ partition: partitionOf('a'), records }])
    advised.sink.advise = true
    await advised.pipeline.run({ until: 'caught-up' })
    expect(advised.sink.receipts).toHaveLength(10)
  })

  it('stops a partition without a start policy and says so, while others are stored', async () => {
    const lake = fakeLake()
    lake.next.set(key('b'), 1)
    const logs = [
      { partition: partitionOf('a'), records: 'ggg' },
      { partition: partitionOf('b'), records: 'ggg' },
    ]
    const { pipeline } = setUp(logs, { startPolicy: 'fail' }, lake)
    const summary = await pipeline.run({ until: 'caught-up' })
    expect(summary.outcome).toBe('incomplete')
    expect(lake.rows.get(key('a'))).toBeUndefined()
    expect(lake.rows.get(key('b'))).toEqual([1, 2])
    const stopped = summary.partitions.find((each) => each.state === 'stopped')
    expect(stopped?.partition.topic).toBe('a')
    expect(stopped?.error?.code).toBe('START_POLICY_NEEDED')
  })

  it('stops a topic without a contract (input 15)', async () => {
    const { pipeline } = setUp([{ partition: partitionOf('a'), records: 'g' }], { contracts: [contractFor('other')] })
    const summary = await pipeline.run({ until: 'caught-up' })
    expect(summary.partitions[0]?.error?.code).toBe('NO_CONTRACT')
  })

  it('starts at the end of the log when told latest', async () => {
    const { pipeline, lake } = setUp([{ partition: partitionOf('a'), records: 'ggg' }], { startPolicy: 'latest' })
    expect((await pipeline.run({ until: 'caught-up' })).outcome).toBe('caught-up')
    expect(lake.next.get(key('a'))).toBe(3)
    expect(lake.rows.get(key('a'))).toBeUndefined()
  })

  it('runs once', async () => {
    const { pipeline } = setUp([{ partition: partitionOf('a'), records: 'g' }])
    await pipeline.run({ until: 'caught-up' })
    await expect(pipeline.run({ until: 'caught-up' })).rejects.toMatchObject({ code: 'ALREADY_RUN' })
  })

  it('refuses two contracts for one topic, and limits that are not above zero', () => {
    const logs = [{ partition: partitionOf('a'), records: 'g' }]
    expect(() => setUp(logs, { contracts: [contractFor('a'), contractFor('a')] })).toThrow(PipelineError)
    expect(() => setUp(logs, { budgetBytes: Number.NaN })).toThrow('budgetBytes')
  })
})

describe('infrastructure trouble', () => {
  it('waits for the registry without losing what is buffered, and dead-letters nothing', async () => {
    const records = 'g'.repeat(40)
    const logs = [
      { partition: partitionOf('a'), records },
      { partition: partitionOf('b'), records: 'gg' },
    ]
    const { pipeline, decoder, lake, sink } = setUp(logs)
    let down = true
    decoder.before = (fetched) => {
      if (down && fetched.partition.topic === 'a' && fetched.start >= 10)
        throw new PipelineError('REGISTRY_UNAVAILABLE', 'down')
    }
    const running = pipeline.run({ until: 'caught-up' })
    await until(() => sink.log.includes('commit b caught-up 0-2'))
    const ofA = () => pipeline.status().partitions.find((each) => each.partition.topic === 'a')
    await until(() => ofA()?.state === 'backing-off')
    expect(ofA()?.error?.code).toBe('REGISTRY_UNAVAILABLE')
    down = false
    const summary = await running
    expect(summary.outcome).toBe('caught-up')
    expect(lake.rows.get(key('a'))).toEqual(offsetsOf(records, 'g'))
    expect(lake.dead.get(key('a'))).toEqual([])
    expect(sink.log.filter((line) => line.startsWith('open a'))).toEqual(['open a 0'])
  })

  it.each(['write', 'commit', 'open'] as const)('drops and reopens from the sink when %s fails', async (act) => {
    const records = 'gb'.repeat(30)
    const { pipeline, sink, lake } = setUp([{ partition: partitionOf('a'), records }], { rotation: { rows: 7 } })
    let failures = 3
    sink.before = (what) => {
      if (what === act && failures-- > 0) throw new CodedError('STORE_UNAVAILABLE')
    }
    const summary = await pipeline.run({ until: 'caught-up' })
    expect(summary.outcome).toBe('caught-up')
    expect(failures).toBeLessThan(0)
    expect(lake.rows.get(key('a'))).toEqual(offsetsOf(records, 'g'))
    expect(lake.dead.get(key('a'))).toEqual(offsetsOf(records, 'b'))
    expect(summary.topics['a']?.consumed).toBe(60)
  })

  it('reads a corrupt batch again once, then stops the partition with what came before committed', async () => {
    const records = 'g'.repeat(50)
    const once = setUp([{ partition: partitionOf('a'), records }])
    let failures = 1
    once.decoder.before = (fetched) => {
      if (fetched.end > 20 && failures-- > 0) throw new PipelineError('BATCH_CORRUPT', 'crc')
    }
    expect((await once.pipeline.run({ until: 'caught-up' })).outcome).toBe('caught-up')
    expect(once.lake.rows.get(key('a'))).toEqual(offsetsOf(records, 'g'))

    // Chunks that were decoded ahead of the corrupt one are read again with it.
    const ahead = setUp([{ partition: partitionOf('a'), records }])
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    let first = true
    ahead.decoder.before = async (fetched) => {
      if (fetched.start === 20) release()
      if (fetched.start !== 0 || !first) return
      first = false
      await gate
      throw new PipelineError('BATCH_CORRUPT', 'crc')
    }
    expect((await ahead.pipeline.run({ until: 'caught-up' })).outcome).toBe('caught-up')
    expect(ahead.lake.rows.get(key('a'))).toEqual(offsetsOf(records, 'g'))

    const logs = [
      { partition: partitionOf('a'), records },
      { partition: partitionOf('b'), records: 'gg' },
    ]
    const always = setUp(logs)
    always.decoder.before = (fetched) => {
      if (fetched.partition.topic === 'a' && fetched.end > 20) throw new PipelineError('BATCH_CORRUPT', 'crc')
    }
    const summary = await always.pipeline.run({ until: 'caught-up' })
    expect(summary.outcome).toBe('incomplete')
    expect(summary.partitions.find((each) => each.partition.topic === 'a')).toMatchObject({
      state: 'stopped',
      error: { code: 'BATCH_CORRUPT' },
      next: 20,
    })
    expect(always.lake.rows.get(key('a'))).toEqual(offsetsOf(records.slice(0, 20), 'g'))
    expect(always.lake.dead.get(key('a'))).toEqual([])
    expect(always.lake.rows.get(key('b'))).toEqual([0, 1])
  })

  it('reopens once when fenced, then stops with a named error instead of ping-pong', async () => {
    const { pipeline, sink } = setUp([{ partition: partitionOf('a'), records: 'g'.repeat(30) }])
    sink.before = (act) => {
      if (act === 'commit') throw new CodedError('FENCED')
    }
    const summary = await pipeline.run({ until: 'caught-up' })
    expect(summary.outcome).toBe('incomplete')
    expect(summary.partitions[0]?.error?.code).toBe('FENCED_TWICE')
    expect(sink.log.filter((line) => line.startsWith('open'))).toHaveLength(2)
    expect(sink.receipts).toEqual([])
  })

  it('goes on after being fenced once', async () => {
    const records = 'g'.repeat(30)
    const { pipeline, sink, lake } = setUp([{ partition: partitionOf('a'), records }])
    let fence = true
    sink.before = (act) => {
      if (act !== 'commit' || !fence) return
      fence = false
      throw new CodedError('FENCED')
    }
    expect((await pipeline.run({ until: 'caught-up' })).outcome).toBe('caught-up')
    expect(lake.rows.get(key('a'))).toEqual(offsetsOf(records, 'g'))
  })

  it('stops a partition whose offsets are gone, naming the error, and never jumps', async () => {
    const lake = fakeLake()
    lake.next.set(key('a'), 99)
    const { pipeline } = setUp([{ partition: partitionOf('a'), records: 'ggg' }], {}, lake)
    const summary = await pipeline.run({ until: 'caught-up' })
    expect(summary.partitions[0]).toMatchObject({ state: 'stopped', error: { code: 'OFFSET_OUT_OF_RANGE' } })
    expect(lake.next.get(key('a'))).toBe(99)
  })

  it('goes back when a source skips offsets (fault 35)', async () => {
    const records = 'g'.repeat(60)
    const { pipeline, source, lake } = setUp([{ partition: partitionOf('a'), records }])
    let polls = 0
    source.beforePoll = () => {
      polls += 1
      if (polls === 3) source.skip = 4
    }
    expect((await pipeline.run({ until: 'caught-up' })).outcome).toBe('caught-up')
    expect(lake.rows.get(key('a'))).toEqual(offsetsOf(records, 'g'))
  })

  it('backs off when the source fails, and gives an error about one partition to that partition', async () => {
    const logs = [
      { partition: partitionOf('a'), records: 'g'.repeat(30) },
      { partition: partitionOf('b'), records: 'g'.repeat(30) },
    ]
    const { pipeline, source, lake } = setUp(logs)
    let polls = 0
    source.beforePoll = () => {
      polls += 1
      if (polls <= 2) throw new CodedError('ECONNRESET')
      if (polls === 3) throw new CodedError('OFFSET_OUT_OF_RANGE', { partition: partitionOf('b') })
    }
    const summary = await pipeline.run({ until: 'caught-up' })
    expect(summary.outcome).toBe('incomplete')
    expect(lake.rows.get(key('a'))).toHaveLength(30)
    expect(summary.partitions.find((each) => each.partition.topic === 'b')?.state).toBe('stopped')
  })

  it('only reports that progress could not be reported', async () => {
    const warnings: string[] = []
    const logger = {
      info: () => undefined,
      warn: (_: object, message: string) => warnings.push(message),
      error: () => undefined,
    }
    const { pipeline, source, lake } = setUp([{ partition: partitionOf('a'), records: 'ggg' }], { logger })
    source.failProgress = true
    expect((await pipeline.run({ until: 'caught-up' })).outcome).toBe('caught-up')
    expect(lake.next.get(key('a'))).toBe(3)
    expect(warnings).toContain('progress could not be reported to the source')
  })

  it('commits on while the source does not answer to reports of progress', async () => {
    const { pipeline, source, sink, stop } = setUp([{ partition: partitionOf('a'), records: 'g'.repeat(100) }], {
      rotation: { rows: 10 },
      drainMs: 20,
    })
    source.reportProgress = () => new Promise(() => undefined)
    const running = pipeline.run({ until: 'aborted' })
    await until(() => sink.receipts.length === 10)
    stop.abort()
    expect((await running).outcome).toBe('aborted')
  })

  it('ends the run when a listener throws, and commits nothing more (fault 84)', async () => {
    const { pipeline, sink } = setUp([{ partition: partitionOf('a'), records: 'g'.repeat(100) }], {
      rotation: { rows: 10 },
      onReceipt: (receipt) => {
        if (receipt.end === 20) throw new Error('plug-in broke')
      },
    })
    await expect(pipeline.run({ until: 'caught-up' })).rejects.toMatchObject({ code: 'LISTENER_FAILED' })
    expect(sink.receipts.map((receipt) => receipt.end)).toEqual([10, 20])
    expect(pipeline.status().running).toBe(false)
  })

  it('ends the run on a defect of a part instead of retrying it for ever', async () => {
    const { pipeline, sink } = setUp([{ partition: partitionOf('a'), records: 'ggg' }])
    sink.before = (act) => {
      if (act === 'write') throw new TypeError('undefined is not a function')
    }
    await expect(pipeline.run({ until: 'caught-up' })).rejects.toThrow('undefined is not a function')
  })

  it('asserts conservation of each batch', async () => {
    const { pipeline, decoder } = setUp([{ partition: partitionOf('a'), records: 'ggg' }])
    const decode = decoder.decode.bind(decoder)
    decoder.decode = async (fetched, from) => (await decode(fetched, from)).map((batch) => ({ ...batch, consumed: 4 }))
    await expect(pipeline.run({ until: 'caught-up' })).rejects.toMatchObject({ code: 'CONSERVATION_BROKEN' })
  })

  it('asserts conservation of each receipt', async () => {
    const { pipeline, sink } = setUp([{ partition: partitionOf('a'), records: 'gggb' }])
    const commit = sink.commit.bind(sink)
    sink.commit = async (cut, signal) => {
      const receipt = await commit(cut, signal)
      return receipt && { ...receipt, counts: { ...receipt.counts, consumed: 3, stored: 2 } }
    }
    await expect(pipeline.run({ until: 'caught-up' })).rejects.toMatchObject({ code: 'CONSERVATION_BROKEN' })
  })
})

describe('circuit breaker (fault 83)', () => {
  it('pauses the topic when most is bad, stores nothing of it, and goes on when told to', async () => {
    const records = 'g'.repeat(50) + 'b'.repeat(100)
    const logs = [
      { partition: partitionOf('a'), records },
      { partition: partitionOf('b'), records: 'g'.repeat(20) },
    ]
    const { pipeline, lake, stop, sink } = setUp(logs, { circuitBreaker: { maxShare: 0.5, window: 40 } })
    const running = pipeline.run({ until: 'aborted' })
    await until(() => pipeline.status().partitions.some((each) => each.state === 'paused'))
    const paused = pipeline.status().partitions.find((each) => each.partition.topic === 'a')!
    expect(paused.error?.code).toBe('CIRCUIT_OPEN')
    expect(lake.rows.get(key('a'))).toHaveLength(50)
    const storedBad = lake.dead.get(key('a'))!.length
    expect(storedBad).toBeLessThan(40)

    // Half of what is left is now good: the operator fixed the producer and resumes.
    logs[0]!.records = `${records.slice(0, 50 + storedBad)}${'gb'.repeat(50)}`
    pipeline.resume('a')
    await until(() => pipeline.status().partitions.find((each) => each.partition.topic === 'a')?.state === 'running')
    await until(
      () =>
        (pipeline.status().partitions.find((each) => each.partition.topic === 'a')?.counts.consumed ?? 0) >=
        150 + storedBad,
    )
    stop.abort()
    const summary = await running
    expect(summary.outcome).toBe('aborted')
    expect(lake.dead.get(key('a'))).toHaveLength(storedBad + 50)
    expect(sink.log).toContain('commit b shutdown 0-20')
  })

  it('lets a few bad records through', async () => {
    const { pipeline, lake } = setUp([{ partition: partitionOf('a'), records: 'gggggggggb'.repeat(30) }], {
      circuitBreaker: { maxShare: 0.2, window: 50 },
    })
    expect((await pipeline.run({ until: 'caught-up' })).outcome).toBe('caught-up')
    expect(lake.dead.get(key('a'))).toHaveLength(30)
  })
})

describe('time, idleness and shutdown', () => {
  it('cuts by time without new records, and by idleness (fault 33)', async () => {
    const clock = manualClock()
    const log = { partition: partitionOf('a'), records: 'gg' }
    const { pipeline, stop, sink } = setUp([log], { clock, rotation: { intervalMs: 60_000, idleMs: 10_000 } })
    const running = pipeline.run({ until: 'aborted' })
    await clock.advance(5_000)
    expect(sink.receipts).toEqual([])
    await clock.advance(8_000)
    expect(sink.receipts.map((receipt) => receipt.reason)).toEqual(['idle'])
    for (let i = 0; i < 16; i++) {
      log.records += 'g'
      await clock.advance(5_000)
    }
    expect(sink.receipts.map((receipt) => receipt.reason)).toContain('time')
    stop.abort()
    await clock.advance(1)
    await running
  })

  it('cuts in its time also when the clock was set back (fault 78)', async () => {
    const manual = manualClock()
    let back = 0
    const clock = { ...manual, now: () => manual.now() - back }
    const log = { partition: partitionOf('a'), records: 'gg' }
    const { pipeline, stop, sink } = setUp([log], { clock, rotation: { intervalMs: 60_000, idleMs: 10_000 } })
    const running = pipeline.run({ until: 'aborted' })
    await manual.advance(5_000)
    back = 3_600_000
    await manual.advance(20_000)
    expect(sink.receipts.map((receipt) => receipt.reason)).toEqual(['idle'])
    stop.abort()
    await manual.advance(1)
    await running
  })

  it('commits what is buffered when stopped, within the bound', async () => {
    const { pipeline, stop, sink, lake } = setUp([{ partition: partitionOf('a'), records: 'gbgf' }])
    const running = pipeline.run({ until: 'aborted' })
    await until(() => pipeline.status().partitions[0]?.counts.inFlight === 4)
    stop.abort()
    const summary = await running
    expect(summary.outcome).toBe('aborted')
    expect(sink.receipts.map((receipt) => receipt.reason)).toEqual(['shutdown'])
    expect(lake.next.get(key('a'))).toBe(4)
    expect(summary.topics['a']?.inFlight).toBe(0)
  })

  it('gives up on a commit that does not end, and the next run takes it up', async () => {
    const clock = manualClock()
    const lake = fakeLake()
    const log = { partition: partitionOf('a'), records: 'ggg' }
    const { pipeline, stop, sink } = setUp([log], { clock, drainMs: 1000 }, lake)
    sink.before = async (act, _, signal) => {
      if (act !== 'commit') return
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      throw new CodedError('STORE_UNAVAILABLE')
    }
    const running = pipeline.run({ until: 'aborted' })
    await clock.advance(100)
    stop.abort()
    await clock.advance(1100)
    const summary = await running
    expect(summary.topics['a']).toMatchObject({ consumed: 3, inFlight: 3, stored: 0 })
    expect(lake.next.get(key('a'))).toBe(0)

    const again = setUp([log], {}, lake)
    await again.pipeline.run({ until: 'caught-up' })
    expect(lake.rows.get(key('a'))).toEqual([0, 1, 2])
  })

  it('stops at once while it waits for the registry', async () => {
    const { pipeline, stop, decoder, lake } = setUp([{ partition: partitionOf('a'), records: 'g' }], {
      backOff: { firstMs: 1e9, maxMs: 1e9, jitter: 0 },
    })
    decoder.before = () => {
      throw new PipelineError('REGISTRY_UNAVAILABLE', 'down')
    }
    const running = pipeline.run({ until: 'caught-up' })
    await until(() => pipeline.status().partitions[0]?.state === 'backing-off')
    stop.abort()
    expect((await running).outcome).toBe('aborted')
    expect(lake.rows.get(key('a'))).toBeUndefined()
  })
})

describe('the byte budget', () => {
  it('keeps what is buffered below the limit by cutting the largest partition (fault 76)', async () => {
    const logs = Array.from({ length: 4 }, (_, i) => ({ partition: partitionOf('a', i), records: 'g'.repeat(3000) }))
    const budgetBytes = 20_000
    const { pipeline, sink, lake } = setUp(logs, { budgetBytes, pollBytes: 2_000 })
    const summary = await pipeline.run({ until: 'caught-up' })
    expect(summary.outcome).toBe('caught-up')
    expect(sink.receipts.filter((receipt) => receipt.reason === 'memory').length).toBeGreaterThan(5)
    expect(sink.peak).toBeLessThanOrEqual(budgetBytes)
    expect(summary.peakBytes).toBeLessThanOrEqual(budgetBytes)
    for (let i = 0; i < 4; i++) expect(lake.rows.get(key('a', i))).toEqual(offsetsOf(logs[i]!.records, 'g'))
  })

  it('reads no further ahead of a slow sink than allowed (fault 34)', async () => {
    const { pipeline, sink, decoder, stop } = setUp([{ partition: partitionOf('a'), records: 'g'.repeat(1000) }], {
      chunksAhead: 3,
    })
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    sink.before = (act) => (act === 'write' ? gate : undefined)
    const running = pipeline.run({ until: 'caught-up' })
    await until(() => decoder.decoded === 3)
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(decoder.decoded).toBe(3)
    release()
    expect((await running).outcome).toBe('caught-up')
    stop.abort()
  })
})

describe('assignments', () => {
  it('drops the results of a revoked assignment and starts the next one fresh (fault 17)', async () => {
    const log = { partition: partitionOf('a'), records: 'g'.repeat(30) }
    const { pipeline, source, sink, decoder, stop, lake } = setUp([log])
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    let held = 0
    decoder.before = () => {
      held += 1
      return held <= 3 ? gate : undefined
    }
    const running = pipeline.run({ until: 'aborted' })
    await until(() => held === 3)
    source.assign({ assigned: [], revoked: [log.partition] })
    await until(() => pipeline.status().partitions.length === 0)
    source.assign({ assigned: [log.partition], revoked: [] })
    release()
    await until(() => pipeline.status().partitions[0]?.counts.inFlight === 30)
    expect(pipeline.status().partitions[0]?.epoch).toBe(2)
    stop.abort()
    const summary = await running
    expect(lake.rows.get(key('a'))).toEqual(offsetsOf(log.records, 'g'))
    expect(sink.log.filter((line) => line.startsWith('open'))).toEqual(['open a 0', 'open a 0'])
    expect(summary.topics['a']).toMatchObject({ consumed: 30, stored: 30, inFlight: 0 })
  })

  it('never commits for a partition it lost', async () => {
    const log = { partition: partitionOf('a'), records: 'ggg' }
    const { pipeline, source, sink, stop, lake } = setUp([log])
    const running = pipeline.run({ until: 'aborted' })
    await until(() => pipeline.status().partitions[0]?.counts.inFlight === 3)
    source.assign({ assigned: [], revoked: [log.partition] })
    await until(() => sink.log.includes('abandon a'))
    stop.abort()
    const summary = await running
    expect(sink.receipts).toEqual([])
    expect(lake.next.get(key('a'))).toBe(0)
    expect(summary.topics['a']).toMatchObject({ consumed: 0, inFlight: 0 })
  })
})

describe('any schedule of faults', () => {
  it('stores each record exactly once', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.constantFrom('g', 'g', 'g', 'b', 'f', '-'), { minLength: 1, maxLength: 120 }),
      fc.array(
        fc.constantFrom('ok', 'ok', 'STORE_UNAVAILABLE', 'STORE_UNKNOWN', 'BATCH_CORRUPT', 'REGISTRY_UNAVAILABLE'),
        { maxLength: 12 },
      ),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 25 }),
      async (letters, faults, rows, chunk) => {
        const records = letters.join('')
        const logs = [{ partition: partitionOf('a'), records }]
        const receipts: CommitReceipt[] = []
        const { pipeline, source, sink, decoder, lake } = setUp(logs, {
          rotation: { rows },
          circuitBreaker: { maxShare: 1 },
          backOff: { firstMs: 0, maxMs: 0 },
          onReceipt: (receipt) => void receipts.push(receipt),
        })
        source.chunkRecords = chunk
        const left = [...faults]
        let corrupt = false
        sink.before = () => {
          const fault = left.shift()
          if (fault?.startsWith('STORE')) throw new CodedError(fault)
        }
        decoder.before = () => {
          const fault = left.shift()
          if (fault === 'REGISTRY_UNAVAILABLE') throw new PipelineError(fault, 'down')
          if (fault !== 'BATCH_CORRUPT' || corrupt) return
          corrupt = true
          throw new PipelineError(fault, 'crc')
        }
        const summary = await pipeline.run({ until: 'caught-up' })
        expect(summary.outcome).toBe('caught-up')
        expect(lake.rows.get(key('a')) ?? []).toEqual(offsetsOf(records, 'g'))
        expect(lake.dead.get(key('a')) ?? []).toEqual(offsetsOf(records, 'b'))
        let at = 0
        for (const receipt of receipts) {
          expect(receipt.start).toBe(at)
          at = receipt.end
        }
        expect(at).toBe(records.length)
      },
    )
    await fc.assert(property, { seed: 20261121, numRuns: 150 })
  })
})
