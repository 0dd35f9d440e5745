/**
 * The main job on real services: Kafka to zstd Parquet by date and hour, to a folder or to MinIO: our pipeline against the plain way
 * (kafkajs eachBatch, avsc rows, DuckDB's appender, COPY), on the same topic in the same run, with rows compared.
 * Prints a line per way; with `--write` the result goes to `results/kafka-to-parquet-<store>.json`.
 *
 * Repeat: `node --conditions=sluice-source bench/src/kafka-to-parquet.ts [records] [rounds] [--store local|minio] [--codec zstd]
 * [--ways sluice,rows,chunks] [--set name=value,...] [--write]`; services are started for it.
 *
 * Each way runs in a process of its own. Its first run is `cold`: measured from the start of the process, so with start-up, imports,
 * start of workers and the join of the group. It then stays up, as a service does; the ways take turns for further `rounds`, whose medians are shown. What
 * counts is the median of the ratio per round, to the plain way that was the better one in it.
 * The broker and MinIO share the cores with what is measured, and their processor time is not counted. Ours runs with
 * settings for small memory (`smallMemory` below, and `--max-semi-space-size=4`); `--set` tries others.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Codec } from '@sluice/ingest-core'
import { testServices } from '@sluice-tools/services'
import { makeBucket } from './kafka/bucket.ts'
import { localCopy } from './kafka/lake-place.ts'
import type { LakePlace } from './kafka/lake-place.ts'
import { ensureTopic, wakeCoordinator } from './kafka/user-events-topic.ts'
import type { Job } from './kafka-to-parquet/job.ts'
import { ratioPerRound } from './kafka-to-parquet/ratio.ts'
import { startContender } from './log-to-parquet/contender.ts'
import type { Contender, RunReport } from './log-to-parquet/contender.ts'
import { median } from './median.ts'
import { origin, storeResult } from './store-result.ts'
import { userEventSchema } from './user-event-columns.ts'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: 'string', default: 'local' },
    codec: { type: 'string', default: 'zstd' },
    ways: { type: 'string', default: 'sluice,rows,chunks' },
    set: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
})
const records = Number(positionals[0] ?? 2_000_000)
const rounds = Number(positionals[1] ?? 2)
const { store, codec } = flags
if (store !== 'local' && store !== 'minio') throw new Error(`--store is local or minio, not ${store}`)
/**
 * For a peak of 300 MB: one worker, beside which the main thread and the broker have the other core; what is read and buffered
 * is small, and so are the young generations. The first file comes early.
 */
const smallMemory = {
  workers: 1,
  pollBytes: 2 ** 19,
  budgetBytes: 36_000_000,
  chunksAhead: 1,
  firstRows: 1000,
  youngMb: 8,
  heapGrowth: 60,
}
/** Both ways alike: arenas of glibc's malloc keep what threads have freed, by default sixteen of them on two cores. */
const allocator = { MALLOC_ARENA_MAX: '2' }
const settings = Object.fromEntries(
  flags.set
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split('='))
    .map(([name, value]) => [name, /^\d+$/.test(value!) ? Number(value) : value]),
)
const forms = { rows: 'row', chunks: 'chunk' } as const
type Way = 'sluice' | keyof typeof forms
const ways = flags.ways.split(',') as Way[]

const data = fileURLToPath(new URL('../.data/kafka-to-parquet', import.meta.url))
rmSync(data, { recursive: true, force: true })
const services = await testServices(store === 'minio' ? ['kafka', 'minio'] : ['kafka'])
const brokers = services.env['KAFKA_BROKERS']!
const topic = `bench.user-events-${records}-${codec}`

const connection = await (await DuckDBInstance.create(':memory:')).connect()
/** Count, and sum and exclusive or of a hash over all columns of each row, the folders of its hour included. */
async function digestOf(place: LakePlace, run: number): Promise<string> {
  const at = place.kind === 'local' ? place : { ...place, prefix: `${place.prefix}/run${run}` }
  const folder = await localCopy(at, `${data}/copy`)
  const part = (name: string): string => `regexp_extract(filename, '${name}=([^/]+)/', 1)`
  const row = [
    ...userEventSchema.fields.map(({ name }) => `"${name}"`),
    '_partition',
    '_offset',
    `CAST(${part('event_date')} AS DATE)`,
    `CAST(${part('event_hour')} AS INTEGER)`,
  ].join(', ')
  const sql = `SELECT count(*), sum(hash(${row})::HUGEINT), bit_xor(hash(${row})) FROM read_parquet('${folder}/${
    place.kind === 'local' ? `run${run}/` : ''
  }**/*.parquet', hive_partitioning = false, filename = true)`
  const [found] = (await connection.runAndReadAll(sql)).getRows()
  if (place.kind === 'local') rmSync(`${place.root}/run${run}`, { recursive: true })
  return found!.map(String).join(' ')
}

interface Cold {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly firstFileSeconds: number
}

interface Measured {
  readonly way: Way
  readonly reports: readonly RunReport[]
  readonly cold: Cold
}

async function measure(): Promise<Measured[]> {
  await ensureTopic(topic, brokers, records, codec as Codec)
  await wakeCoordinator(topic, brokers)
  const bucket = store === 'minio' ? await makeBucket(services.env) : undefined
  const placeOf = (way: Way): LakePlace => {
    if (bucket !== undefined) return { kind: 'minio', prefix: way, ...bucket }
    const root = `${data}/${way}`
    mkdirSync(root, { recursive: true })
    return { kind: 'local', root }
  }
  const contenders = new Map<Way, Contender>()
  const reports = new Map<Way, RunReport[]>(ways.map((way) => [way, []]))
  try {
    for (let round = 1; round <= rounds + 1; round++) {
      const digests: string[] = []
      for (const way of ways) {
        let contender = contenders.get(way)
        if (contender === undefined) {
          const job: Job = { records, brokers, topic, place: placeOf(way), settings: { ...smallMemory, ...settings } }
          const module = new URL(`./kafka-to-parquet/${way === 'sluice' ? 'sluice' : 'plain'}.ts`, import.meta.url)
          const args = [JSON.stringify(job), ...(way === 'sluice' ? [] : [forms[way]])]
          contenders.set(
            way,
            (contender = startContender(module, args, way === 'sluice' ? ['--max-semi-space-size=4'] : [], allocator)),
          )
        }
        const report = await contender.run()
        reports.get(way)!.push(report)
        if (report.rows !== records) throw new Error(`${way}: ${report.rows} rows of ${records}`)
        digests.push(await digestOf(placeOf(way), round))
      }
      if (!digests[0]!.startsWith(`${records} `) || new Set(digests).size > 1) {
        throw new Error(`rows differ: ${ways.map((way, at) => `${way} ${digests[at]}`).join(', ')}`)
      }
    }
  } finally {
    await Promise.all([...contenders.values()].map((contender) => contender.close()))
  }
  return ways.map((way) => {
    const { startedAt } = contenders.get(way)!
    const [first] = reports.get(way)!
    const cold = {
      seconds: (first!.endedAt - startedAt) / 1000,
      cpuSeconds: first!.cpuSecondsInAll,
      firstFileSeconds: (first!.firstFileAt! - startedAt) / 1000,
    }
    return { way, reports: reports.get(way)!, cold }
  })
}

const round2 = (value: number): number => Number(value.toFixed(2))
const figures = (seconds: number, cpuSeconds: number) => ({
  eventsPerSecond: Math.round(records / seconds),
  seconds: round2(seconds),
  cpuSecondsPerMillion: round2((cpuSeconds * 1e6) / records),
})

function publish(measured: readonly Measured[]): void {
  const outcome = measured.map(({ way, reports, cold }) => {
    const counted = reports.length > 1 ? reports.slice(1) : reports
    const seconds = median(counted.map((each) => each.seconds))
    return {
      way: way === 'sluice' ? way : `kafkajs + avsc + DuckDB ${way}`,
      ...figures(seconds, median(counted.map((each) => each.cpuSeconds))),
      peakRssBytes: Math.max(...reports.map((each) => each.peakRss)),
      firstFileSeconds: round2(cold.firstFileSeconds),
      cold: figures(cold.seconds, cold.cpuSeconds),
      rounds: counted.map((each) => ({ seconds: round2(each.seconds), cpuSeconds: round2(each.cpuSeconds) })),
      ...reports.at(-1)!.more,
    }
  })
  for (const each of outcome) {
    console.log(
      `${each.way.padEnd(30)} ${each.eventsPerSecond.toLocaleString('en-US').padStart(9)} events/s  ${each.cpuSecondsPerMillion.toFixed(2)} CPU s per million  ` +
        `${Math.round(each.peakRssBytes / 1e6)} MB peak  first file ${each.firstFileSeconds} s  ` +
        `(from process start: ${each.cold.eventsPerSecond.toLocaleString('en-US')} events/s, ${each.cold.cpuSecondsPerMillion.toFixed(2)} CPU s)`,
    )
  }
  console.log(`${records} rows equal in all ways; load ${loadavg()[0]!.toFixed(1)}`)
  const [ours, ...others] = outcome
  if (ours!.way !== 'sluice' || others.length === 0) return
  const times = ratioPerRound(
    ours!.rounds,
    others.map(({ rounds }) => rounds),
  )
  const coldRun = ({ cold }: (typeof outcome)[number]) => [
    { seconds: cold.seconds, cpuSeconds: cold.cpuSecondsPerMillion },
  ]
  const coldTimes = ratioPerRound(coldRun(ours!), others.map(coldRun))
  const ratio = {
    against: 'the better plain way of each round',
    eventsPerSecond: round2(times.eventsPerSecond),
    cpu: round2(times.cpu),
    coldEventsPerSecond: round2(coldTimes.eventsPerSecond),
    coldCpu: round2(coldTimes.cpu),
  }
  const bars = [
    { bar: 'events/s at least 5 times', measured: ratio.eventsPerSecond, met: ratio.eventsPerSecond >= 5 },
    { bar: 'CPU at most a fifth (times less)', measured: ratio.cpu, met: ratio.cpu >= 5 },
    {
      bar: 'peak RSS at most 300 MB',
      measured: Math.round(ours!.peakRssBytes / 1e6),
      met: ours!.peakRssBytes <= 300e6,
    },
    { bar: 'first committed file within 2 s', measured: ours!.firstFileSeconds, met: ours!.firstFileSeconds <= 2 },
  ]
  console.log(
    `sluice against ${ratio.against}: ${ratio.eventsPerSecond}x events/s, ${ratio.cpu}x less CPU; ` +
      `from process start ${ratio.coldEventsPerSecond}x and ${ratio.coldCpu}x`,
  )
  for (const { bar, measured: found, met } of bars) console.log(`${met ? 'met    ' : 'not met'} ${bar}: ${found}`)
  if (!flags.write) return
  const result = {
    benchmark: `UserEvent v2, Confluent Avro in Kafka (${codec}, 3 partitions), to zstd Parquet by date and hour, ${store}`,
    command: `node --conditions=sluice-source bench/src/kafka-to-parquet.ts ${process.argv.slice(2).join(' ')}`,
    ...origin(),
    settings: { ...smallMemory, ...settings },
    records,
    rowsEqual: true,
    ratio,
    bars,
    ways: outcome,
  }
  storeResult(`kafka-to-parquet-${store}`, result)
}

try {
  publish(await measure())
} finally {
  rmSync(data, { recursive: true, force: true })
  await services.release()
}
