/**
 * Kafka to PostgreSQL: orders of about 200 bytes into a table with a primary key, our pipeline against a plain one (kafkajs, avsc,
 * INSERT ... ON CONFLICT of 1,000 rows through pg), same topic, same server, same run, rows compared. Prints a line per way
 * and with `--write` writes `results/postgres.json`.
 *
 * Repeat: `node --conditions=sluice-source bench/src/postgres.ts [records] [rounds] [--set name=value,...] [--write]`; services are
 * started for it. Ours runs with settings for small memory (`postgres/settings.ts`, and `--max-semi-space-size=2`); `--set` tries others.
 *
 * Each way runs in a process of its own. Rounds alternate, a checkpoint before each, and medians count; the first round is
 * reported as `cold`, and is the only one when `rounds` is 0. The processor time of the server is that of its processes.
 */
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { encodeRecordBatch } from '@sluice/ingest-core'
import { createKafkaProducer } from '@sluice/source-kafka'
import { testServices } from '@sluice-tools/services'
import { startContender } from './log-to-parquet/contender.ts'
import type { RunReport } from './log-to-parquet/contender.ts'
import { median } from './median.ts'
import { columns, orderRecords, partitions, registerOrders } from './postgres/order-events.ts'
import { smallMemory } from './postgres/settings.ts'
import { origin, storeResult } from './store-result.ts'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { set: { type: 'string', default: '' }, write: { type: 'boolean', default: false } },
})
const records = Number(positionals[0] ?? 2_000_000)
const rounds = Number(positionals[1] ?? 0)
const settings = Object.fromEntries(
  flags.set
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split('='))
    .map(([name, value]) => [name!, Number(value)]),
)
const services = await testServices(['kafka', 'postgres'])
const topic = `bench.orders-${process.pid}`
const brokers = services.env['KAFKA_BROKERS']!
const url = services.env['POSTGRES_URL']!
const admin = new pg.Client(url)

interface Round extends RunReport {
  /** Processor time of PostgreSQL, s. */
  readonly serverCpuSeconds: number
}

/** Jiffies that the server and its children, the ended ones included, have used. */
async function serverTicks(): Promise<number> {
  const { rows } = await admin.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity UNION SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int`,
  )
  let ticks = 0
  for (const { pid } of rows) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      // utime, stime; of the postmaster also those of children that ended.
      ticks += Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])
    } catch {
      // Ended meanwhile: its time is with the postmaster.
    }
  }
  return ticks
}

async function produce(): Promise<number> {
  const schemaId = await registerOrders(records)
  const producer = createKafkaProducer({ brokers: brokers.split(',') })
  // The orders are older than a broker keeps records by default.
  await producer.createTopic(topic, { partitions, config: { 'retention.ms': '-1' } })
  let bytes = 0
  const perBatch = 8000
  for (let from = 0; from < records; from += perBatch) {
    for (let partition = 0; partition < partitions; partition++) {
      const batch = orderRecords(schemaId, partition, from, Math.min(records, from + perBatch))
      if (batch.length === 0) continue
      bytes += batch.reduce((sum, { value }) => sum + value.length, 0)
      const encoded = encodeRecordBatch({ baseOffset: 0, records: batch, codec: 'none' })
      await producer.produceBatches(topic, partition, [encoded])
    }
  }
  await producer.close()
  return bytes / records
}

const ways = ['sluice', 'plain'] as const
type Way = (typeof ways)[number]
const reports: Record<Way, Round[]> = { sluice: [], plain: [] }

async function measure(): Promise<void> {
  await admin.connect()
  const valueBytes = await produce()
  const start = (way: Way) => {
    const more = way === 'sluice' ? [JSON.stringify(settings)] : []
    const module = new URL(`./postgres/${way}.ts`, import.meta.url)
    const heap = way === 'sluice' ? ['--max-semi-space-size=2'] : []
    return startContender(module, [String(records), brokers, url, topic, ...more], heap)
  }
  const contenders = { sluice: start('sluice'), plain: start('plain') }
  const tables = { sluice: 'sluice_bench.orders', plain: 'plain_bench.orders' }
  // Equal as multisets: count, and sums of two 64-bit hashes over the text of each row.
  const row = `ROW(${columns.join(', ')})::text`
  const digest = async (way: Way): Promise<string> => {
    const sums = [1, 2].map((seed) => `sum(hashtextextended(${row}, ${seed}))`).join(', ')
    return JSON.stringify(
      (await admin.query({ text: `SELECT count(*), ${sums} FROM ${tables[way]}`, rowMode: 'array' })).rows[0],
    )
  }
  for (let round = 0; round <= rounds; round++) {
    for (const way of ways) {
      await admin.query('CHECKPOINT')
      const before = await serverTicks()
      const report = await contenders[way].run()
      const serverCpuSeconds = ((await serverTicks()) - before) / 100
      reports[way].push({ ...report, serverCpuSeconds })
      const landed = Number((await admin.query<{ n: string }>(`SELECT count(*) AS n FROM ${tables[way]}`)).rows[0]!.n)
      if (landed !== records || report.rows !== records) throw new Error(`${way}: ${landed} rows of ${records}`)
    }
    const [ours, plain] = [await digest('sluice'), await digest('plain')]
    if (ours !== plain) throw new Error(`rows differ: ${ours} and ${plain}`)
  }
  await Promise.all(ways.map((way) => contenders[way].close()))
  publish(valueBytes)
}

function publish(valueBytes: number): void {
  const counted = (way: Way): Round[] => (rounds === 0 ? reports[way] : reports[way].slice(1))
  const seconds = (way: Way): number => median(counted(way).map((each) => each.seconds))
  const outcome = ways.map((way) => {
    const cpu = median(counted(way).map((each) => each.cpuSeconds))
    const server = median(counted(way).map((each) => each.serverCpuSeconds))
    return {
      way,
      rowsPerSecond: Math.round(records / seconds(way)),
      seconds: Number(seconds(way).toFixed(2)),
      cpuSeconds: Number(cpu.toFixed(2)),
      postgresCpuSeconds: Number(server.toFixed(2)),
      postgresShareOfCpu: Number((server / (server + cpu)).toFixed(2)),
      peakRssMiB: Math.round(Math.max(...reports[way].map((each) => each.peakRss)) / 2 ** 20),
      rounds: reports[way].map((each) => Number(each.seconds.toFixed(2))),
    }
  })
  const ratio = Number((seconds('plain') / seconds('sluice')).toFixed(2))
  const load = loadavg()[0]!.toFixed(1)
  for (const each of outcome) {
    console.log(
      `${each.way.padEnd(7)} ${each.rowsPerSecond.toLocaleString('en-US').padStart(8)} rows/s  ${each.cpuSeconds} CPU s of its own, ` +
        `${each.postgresCpuSeconds} of PostgreSQL (${Math.round(each.postgresShareOfCpu * 100)} %)  ${each.peakRssMiB} MiB peak`,
    )
  }
  console.log(`sluice against plain: ${ratio}x; ${records} rows equal both ways; load ${load}`)
  const peak = Math.max(...reports.sluice.map((each) => each.peakRss))
  const bars = [
    { bar: 'rows/s at least 4 times', measured: ratio, met: ratio >= 4 },
    { bar: 'peak RSS at most 300 MB', measured: Math.round(peak / 1e6), met: peak <= 300e6 },
  ]
  for (const { bar, measured, met } of bars) console.log(`${met ? 'met    ' : 'not met'} ${bar}: ${measured}`)
  if (!flags.write) return
  const result = {
    benchmark: `orders of ${Math.round(valueBytes)} bytes, Confluent Avro in Kafka (uncompressed, ${partitions} partitions), upserted by primary key`,
    command: `node --conditions=sluice-source bench/src/postgres.ts ${process.argv.slice(2).join(' ')}`,
    ...origin(),
    settings: { ...smallMemory, ...settings },
    records,
    rowsEqual: true,
    ratio,
    bars,
    ways: outcome,
  }
  storeResult('postgres', result)
}

try {
  await measure()
} finally {
  await admin.end()
  await services.release()
}
