import { metrics, type Attributes, type Meter } from '@opentelemetry/api'
import type { PipelineStatus } from '@sluice/ingest-core'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { observePipeline, openTelemetryMeter, pipelineMetricNames, type MeterLike } from '@sluice/runtime'
import { commitInfo, flow, NOW, partitionStatus, pipelineStatus, receiptOf } from './pipeline-status.ts'

function prometheus(status: () => PipelineStatus | undefined, more = {}) {
  const registry = new Registry()
  const observer = observePipeline({ status, topics: ['orders', 'users'], registry, now: () => NOW, ...more })
  const lines = async (name: string) =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith(name) && !line.startsWith('#'))
  return { observer, lines, text: () => registry.metrics() }
}

const busy = pipelineStatus({
  topics: {
    orders: flow({ consumed: 30, stored: 20, late: 1, deadLettered: 2, inFlight: 7 }),
    users: flow({ consumed: 5, duplicate: 3, filtered: 2 }),
  },
  partitions: [
    partitionStatus(0, { lag: 7, watermark: NOW - 60_000, oldestPending: NOW - 4_000 }),
    partitionStatus(1, {
      lag: 3,
      lastCommit: { at: NOW - 9_000, end: 4, reason: 'rows', tookMs: 1 },
      state: 'backing-off',
    }),
    partitionStatus(0, { lag: null }, 'users'),
  ],
  circuits: { orders: { open: true, badShare: 0.25 } },
})

describe('Prometheus', () => {
  it('shows what was decided about records as counters that only rise, and the rest as gauges', async () => {
    const { lines } = prometheus(() => busy)
    expect(await lines('sluice_records_total')).toEqual([
      'sluice_records_total{topic="orders",outcome="stored"} 20',
      'sluice_records_total{topic="users",outcome="stored"} 0',
      'sluice_records_total{topic="orders",outcome="late"} 1',
      'sluice_records_total{topic="users",outcome="late"} 0',
      'sluice_records_total{topic="orders",outcome="duplicate"} 0',
      'sluice_records_total{topic="users",outcome="duplicate"} 3',
      'sluice_records_total{topic="orders",outcome="filtered"} 0',
      'sluice_records_total{topic="users",outcome="filtered"} 2',
      'sluice_records_total{topic="orders",outcome="dead_lettered"} 2',
      'sluice_records_total{topic="users",outcome="dead_lettered"} 0',
    ])
    expect(await lines('sluice_in_flight_records')).toContain('sluice_in_flight_records{topic="orders"} 7')
    expect(await lines('sluice_lag_records')).toEqual([
      'sluice_lag_records{topic="orders",partition="0"} 7',
      'sluice_lag_records{topic="orders",partition="1"} 3',
    ])
    // By the oldest record in the buffers, else since the last commit.
    expect(await lines('sluice_lag_seconds')).toEqual([
      'sluice_lag_seconds{topic="orders",partition="0"} 4',
      'sluice_lag_seconds{topic="orders",partition="1"} 9',
    ])
    expect(await lines('sluice_watermark_seconds')).toEqual([
      `sluice_watermark_seconds{topic="orders",partition="0"} ${NOW / 1000 - 60}`,
    ])
    expect(await lines('sluice_budget_bytes')).toContain('sluice_budget_bytes{kind="used"} 40')
    expect(await lines('sluice_circuit_open')).toEqual(['sluice_circuit_open{topic="orders"} 1'])
    expect(await lines('sluice_bad_share')).toEqual(['sluice_bad_share{topic="orders"} 0.25'])
    expect(await lines('sluice_partitions')).toContain('sluice_partitions{state="backing-off"} 1')
    expect(await lines('sluice_stalled')).toEqual(['sluice_stalled 0'])
  })

  it('does not add a scrape to the one before, and forgets partitions that went elsewhere', async () => {
    let status = busy
    const { lines } = prometheus(() => status)
    await lines('sluice')
    expect(await lines('sluice_records_total{topic="orders",outcome="stored"}')).toEqual([
      'sluice_records_total{topic="orders",outcome="stored"} 20',
    ])
    status = { ...busy, partitions: busy.partitions.slice(1) }
    expect(await lines('sluice_lag_records')).toEqual(['sluice_lag_records{topic="orders",partition="1"} 3'])
  })

  it('counts commits by reason, and how long they took, how old they made records, how large files are', async () => {
    const { observer, lines } = prometheus(() => busy)
    observer.onReceipt(receiptOf(), commitInfo)
    observer.onReceipt(receiptOf({ reason: 'idle' }), { ...commitInfo, oldestRecord: null })
    expect(await lines('sluice_commits_total')).toEqual([
      'sluice_commits_total{topic="orders",reason="rows"} 1',
      'sluice_commits_total{topic="orders",reason="idle"} 1',
    ])
    expect(await lines('sluice_commit_seconds_sum')).toEqual(['sluice_commit_seconds_sum{topic="orders"} 0.8'])
    expect(await lines('sluice_landing_seconds_count')).toEqual(['sluice_landing_seconds_count{topic="orders"} 1'])
    expect(await lines('sluice_landing_seconds_sum')).toEqual(['sluice_landing_seconds_sum{topic="orders"} 2'])
    expect(await lines('sluice_file_bytes_count')).toEqual(['sluice_file_bytes_count{topic="orders"} 4'])
  })

  it('keeps the number of series bounded, whatever topics and partitions come (input 34)', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `tenant-${i}`)
    const { observer, lines, text } = prometheus(
      () =>
        pipelineStatus({
          topics: Object.fromEntries(names.map((topic) => [topic, flow({ consumed: 2, stored: 2 })])),
          partitions: [
            ...names.map((topic, i) => partitionStatus(i, { lag: 1, oldestPending: NOW - i * 1000 }, topic)),
            ...Array.from({ length: 10_000 }, (_, i) => partitionStatus(i, { lag: 2 })),
          ],
          circuits: Object.fromEntries(names.map((topic) => [topic, { open: topic === 'tenant-7', badShare: 0 }])),
        }),
      { maxPartitionSeries: 100 },
    )
    for (const topic of names)
      observer.onReceipt(receiptOf({ partition: { ...receiptOf().partition, topic } }), commitInfo)
    expect(await lines('sluice_lag_records')).toEqual([
      'sluice_lag_records{topic="other",partition="all"} 300',
      'sluice_lag_records{topic="orders",partition="all"} 20000',
    ])
    expect(await lines('sluice_lag_seconds')).toContain('sluice_lag_seconds{topic="other",partition="all"} 299')
    expect(await lines('sluice_records_total{topic="other",outcome="stored"}')).toEqual([
      'sluice_records_total{topic="other",outcome="stored"} 600',
    ])
    expect(await lines('sluice_circuit_open')).toEqual(['sluice_circuit_open{topic="other"} 1'])
    expect(await text()).not.toContain('tenant-')
    expect((await text()).split('\n').length).toBeLessThan(200)
  })

  it('has nothing to show before the pipeline exists', async () => {
    const { lines } = prometheus(() => undefined)
    expect(await lines('sluice_lag_records')).toEqual([])
  })
})

/** Keeps what instruments were asked for and given; the shape of `Meter` as far as it is used. */
function recordingMeter() {
  const observed = new Map<string, (result: { observe(value: number, attributes: Attributes): void }) => void>()
  const recorded: [string, number, Attributes][] = []
  const observable = (name: string) => ({ addCallback: (callback: never) => void observed.set(name, callback) })
  const meter: MeterLike = {
    createObservableGauge: observable,
    createObservableCounter: observable,
    createCounter: (name) => ({ add: (value, attributes) => void recorded.push([name, value, attributes]) }),
    createHistogram: (name) => ({ record: (value, attributes) => void recorded.push([name, value, attributes]) }),
  }
  const collect = () => {
    const all: [string, number, Attributes][] = []
    for (const [name, callback] of observed)
      callback({ observe: (value, attributes) => void all.push([name, value, attributes]) })
    return all
  }
  return { meter, recorded, collect }
}

describe('OpenTelemetry', () => {
  afterEach(() => metrics.disable())

  it('has the same metrics in its own spelling', () => {
    const { meter, recorded, collect } = recordingMeter()
    const observer = observePipeline({ status: () => busy, topics: ['orders'], meter, now: () => NOW })
    observer.onReceipt(receiptOf(), commitInfo)
    const all = collect()
    expect(all).toContainEqual(['sluice.records', 20, { topic: 'orders', outcome: 'stored' }])
    expect(all).toContainEqual(['sluice.lag_seconds', 4, { topic: 'orders', partition: '0' }])
    expect(recorded).toContainEqual(['sluice.commits', 1, { topic: 'orders', reason: 'rows' }])
    expect(recorded).toContainEqual(['sluice.commit_seconds', 0.4, { topic: 'orders' }])
    const names = new Set([...all, ...recorded].map(([name]) => name))
    expect(names.size).toBe(pipelineMetricNames.length)
  })

  it('takes the meter of the process, which is whatever SDK was loaded', async () => {
    const { meter, collect } = recordingMeter()
    metrics.setGlobalMeterProvider({ getMeter: () => meter as unknown as Meter })
    const own = await openTelemetryMeter()
    observePipeline({ status: () => busy, topics: [], meter: own!, now: () => NOW })
    expect(collect().length).toBeGreaterThan(10)
  })

  it('costs nothing and breaks nothing without an SDK', async () => {
    const observer = observePipeline({ status: () => busy, topics: [], meter: (await openTelemetryMeter())! })
    expect(() => observer.onReceipt(receiptOf(), commitInfo)).not.toThrow()
  })
})
