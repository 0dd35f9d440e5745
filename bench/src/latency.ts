/**
 * From the time of an event to the committed object that holds it: real Kafka, MinIO, files closed every second. Three lanes (Avro to
 * Parquet, JSON to Parquet, JSON to JSONL), each a process of its own, all at the same time; one rate after the other. Every
 * acknowledged event must be in the bucket once. Prints a line per lane and rate; with `--write` the result goes to `results/latency.json`.
 *
 * Repeat: `node --conditions=sluice-source bench/src/latency.ts [seconds] [rates] [--write]`, by default 60 s at 10,100,1000 events/s;
 * services are started for it. Broker, MinIO, producers and lanes share the cores. Before the counted seconds there are up to ten more: their events
 * must not be lost either, but they meet a process that has just started, and only the longest latency of them is reported, as `cold`.
 */
import { fork } from 'node:child_process'
import { loadavg } from 'node:os'
import { createKafkaProducer } from '@sluice/source-kafka'
import { testServices } from '@sluice-tools/services'
import { makeBucket } from './kafka/bucket.ts'
import type { Bucket } from './kafka/lake-place.ts'
import { registerUserEvents } from './kafka/user-events-topic.ts'
import { contractOfLane, laneNames } from './latency/lanes.ts'
import type { LaneCommit, LaneJob, LaneMessage, LaneName } from './latency/lanes.ts'
import { countStored } from './latency/read-back.ts'
import { sendSteadily } from './latency/steady-producer.ts'
import type { EventTimes } from './latency/steady-producer.ts'
import { partitions } from './log-to-parquet/event-log.ts'
import { origin, storeResult } from './store-result.ts'

const numbers = process.argv.slice(2).filter((argument) => argument !== '--write')
const seconds = Number(numbers[0] ?? 60)
const rates = (numbers[1] ?? '10,100,1000').split(',').map(Number)
const warmUpSeconds = Math.min(10, seconds)
const rotateMs = 1000
const barMs = 2000

interface Latency {
  readonly lane: LaneName
  readonly eventsPerSecond: number
  readonly events: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** The longest of the events before those that count. */
  readonly coldMaxMs: number
  readonly commits: number
  readonly files: number
  readonly peakRssBytes: number
}

interface LaneRun {
  readonly ready: Promise<void>
  readonly commits: LaneCommit[]
  committed(): number
  /** Lets the lane commit what it has and end. */
  stop(): Promise<Extract<LaneMessage, { kind: 'ended' }>>
}

function startLane(job: LaneJob): LaneRun {
  const child = fork(new URL('./latency/sluice.ts', import.meta.url), [JSON.stringify(job)])
  const ready = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<Extract<LaneMessage, { kind: 'ended' }>>()
  const commits: LaneCommit[] = []
  let rows = 0
  child.on('message', (message: LaneMessage) => {
    if (message.kind === 'ready') ready.resolve()
    else if (message.kind === 'ended') ended.resolve(message)
    else {
      commits.push(message)
      rows += message.rows
    }
  })
  child.on('exit', (code) => {
    const error = new Error(`lane ${job.lane} ended with ${code}`)
    ready.reject(error)
    ended.reject(error)
  })
  // Whoever waits for them hears of it; nobody need.
  ready.promise.catch(() => undefined)
  ended.promise.catch(() => undefined)
  return {
    ready: ready.promise,
    commits,
    committed: () => rows,
    stop() {
      child.send('stop')
      return ended.promise
    },
  }
}

/** Latencies of all events that were committed, those made before `from` apart, ascending. */
function latenciesOf(times: EventTimes, commits: readonly LaneCommit[], from: number) {
  const counted: number[] = []
  const cold: number[] = []
  for (const { partition, start, end, at } of commits) {
    for (let offset = start; offset < end; offset++) {
      const time = times[partition]![offset]!
      ;(time < from ? cold : counted).push(at - time)
    }
  }
  return { counted: counted.sort((a, b) => a - b), cold: cold.sort((a, b) => a - b) }
}

async function measureLane(lane: LaneName, rate: number, schemaId: number, brokers: string, bucket: Bucket) {
  const topic = `bench.latency-${lane}-${rate}-${process.pid}`
  const contract = contractOfLane(lane, topic)
  const producer = createKafkaProducer({ brokers: brokers.split(',') })
  await producer.createTopic(topic, { partitions, config: { 'retention.ms': '-1' } })
  const run = startLane({ lane, brokers, topic, bucket, rotateMs })
  await run.ready
  const from = Date.now() + warmUpSeconds * 1000
  const times = await sendSteadily(producer, contract, schemaId, rate, warmUpSeconds + seconds)
  await producer.close()
  const events = times.reduce((sum, each) => sum + each.length, 0)
  while (run.committed() < events) await new Promise((resolve) => setTimeout(resolve, 50))
  const { consumed, stored, peakRss } = await run.stop()
  const found = await countStored({ kind: 'minio', prefix: lane, ...bucket })
  if (consumed !== events || stored !== events || found.rows !== events || found.ids !== events) {
    throw new Error(`${lane}: ${events} sent, ${consumed} consumed, ${stored} stored, found ${JSON.stringify(found)}`)
  }
  const { counted, cold } = latenciesOf(times, run.commits, from)
  const inCommits = counted.length + cold.length
  if (inCommits !== events) throw new Error(`${lane}: ${inCommits} of ${events} events in commits`)
  const at = (share: number): number => counted[Math.min(counted.length - 1, Math.floor(share * counted.length))]!
  return {
    lane,
    eventsPerSecond: rate,
    events,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: counted.at(-1)!,
    coldMaxMs: cold.at(-1)!,
    commits: run.commits.length,
    files: run.commits.reduce((sum, each) => sum + each.files, 0),
    peakRssBytes: peakRss,
  } satisfies Latency
}

async function measure(): Promise<Latency[]> {
  const services = await testServices(['kafka', 'minio'])
  try {
    const schemaId = await registerUserEvents()
    const brokers = services.env['KAFKA_BROKERS']!
    const found: Latency[] = []
    for (const rate of rates) {
      const bucket = await makeBucket(services.env)
      const measured = await Promise.all(laneNames.map((lane) => measureLane(lane, rate, schemaId, brokers, bucket)))
      for (const each of measured) {
        console.log(
          `${each.lane.padEnd(13)} ${String(rate).padStart(5)} events/s  p50 ${each.p50Ms} ms  p99 ${each.p99Ms} ms  max ${each.maxMs} ms (cold ${each.coldMaxMs})  ` +
            `${each.events} events, none lost or doubled, in ${each.files} files  ${Math.round(each.peakRssBytes / 1e6)} MB peak`,
        )
      }
      found.push(...measured)
    }
    return found
  } finally {
    await services.release()
  }
}

const found = await measure()
const highest = Math.max(...rates)
const p99 = found.find((each) => each.lane === 'avro-parquet' && each.eventsPerSecond === highest)!.p99Ms
console.log(
  `${p99 < barMs ? 'met    ' : 'not met'} p99 below ${barMs} ms at ${highest}/s: ${p99}; load ${loadavg()[0]!.toFixed(1)}`,
)
if (process.argv.includes('--write')) {
  const result = {
    benchmark: `From event time to the committed object on MinIO, from Kafka, files closed every ${rotateMs} ms; three lanes at once`,
    command: `node --conditions=sluice-source bench/src/latency.ts ${process.argv.slice(2).join(' ')}`,
    ...origin(),
    seconds,
    bars: [{ bar: `p99 below ${barMs} ms at ${highest} events/s, Avro to Parquet`, measured: p99, met: p99 < barMs }],
    lanes: found,
  }
  storeResult('latency', result)
}
