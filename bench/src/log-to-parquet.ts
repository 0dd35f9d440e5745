/**
 * The main job, from a segment log to Parquet files by date and hour: our pipeline against the plain way (avsc rows,
 * DuckDB's appender, COPY), on the same log in the same run, with rows compared. Prints a line per way; with `--write` the
 * result goes to `results/log-to-parquet.json`.
 *
 * Repeat: `node --conditions=sluice-source bench/src/log-to-parquet.ts [records] [rounds] [--write]`
 *
 * Each way runs in a process of its own that stays up, as a service does. The first round is reported as `cold`, with
 * start of workers and compilation; of the others the medians count. Rounds alternate, so that whatever else the machine
 * does meets both alike. The plain way is taken in both its forms, and the faster one is the measure.
 */
import { rmSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { startContender } from './log-to-parquet/contender.ts'
import type { RunReport } from './log-to-parquet/contender.ts'
import { ensureLog, placesFor } from './log-to-parquet/event-log.ts'
import { median } from './median.ts'
import { origin, storeResult } from './store-result.ts'
import { userEventSchema } from './user-event-columns.ts'

const numbers = process.argv.slice(2).filter((argument) => argument !== '--write')
const records = Number(numbers[0] ?? 2_000_000)
const rounds = Number(numbers[1] ?? 5)
const places = placesFor(records)
await ensureLog(places, records)

const ways = ['sluice', 'avsc + DuckDB rows', 'avsc + DuckDB chunks'] as const
type Way = (typeof ways)[number]
const module = (name: string): URL => new URL(`./log-to-parquet/${name}.ts`, import.meta.url)
const contenders = {
  sluice: startContender(module('sluice'), [String(records)]),
  'avsc + DuckDB rows': startContender(module('plain'), [String(records), 'row']),
  'avsc + DuckDB chunks': startContender(module('plain'), [String(records), 'chunk']),
}
const reports: Record<Way, RunReport[]> = { sluice: [], 'avsc + DuckDB rows': [], 'avsc + DuckDB chunks': [] }
const folderOf = (way: Way): string => (way === 'sluice' ? places.lake : places.plain)

const connection = await (await DuckDBInstance.create(':memory:')).connect()
const columns = [...userEventSchema.fields.map(({ name }) => name), '_partition', '_offset'].join(', ')
async function countOf(sql: string): Promise<number> {
  return Number((await connection.runAndReadAll(sql)).getRows()[0]![0])
}
const rowsIn = (way: Way): string =>
  `SELECT ${columns} FROM read_parquet('${folderOf(way)}/**/*.parquet', hive_partitioning = false)`
const surplus = (a: Way, b: Way): Promise<number> =>
  countOf(`SELECT count(*) FROM ((${rowsIn(a)}) EXCEPT ALL (${rowsIn(b)}))`)

try {
  for (let round = 0; round <= rounds; round++) {
    for (const way of ways) {
      rmSync(folderOf(way), { recursive: true, force: true })
      const report = await contenders[way].run()
      reports[way].push(report)
      const landed = await countOf(`SELECT count(*) FROM (${rowsIn(way)})`)
      if (landed !== records) throw new Error(`${way}: ${landed} rows of ${records}`)
      // Ours is there until the next round; both forms of the plain way are compared with it in the last one.
      if (way === 'sluice' || round < rounds) continue
      const parity = { missing: await surplus('sluice', way), extra: await surplus(way, 'sluice') }
      if (parity.missing + parity.extra !== 0) throw new Error(`${way}: rows differ: ${JSON.stringify(parity)}`)
    }
  }
} finally {
  await Promise.all(ways.map((way) => contenders[way].close()))
}

const figures = (list: readonly RunReport[]) => {
  const seconds = median(list.map((each) => each.seconds))
  const cpuSeconds = median(list.map((each) => each.cpuSeconds))
  return {
    eventsPerSecond: Math.round(records / seconds),
    seconds: Number(seconds.toFixed(3)),
    cpuSecondsPerMillion: Number(((cpuSeconds * 1e6) / records).toFixed(3)),
  }
}
const warm = (way: Way) => reports[way].slice(1)
const seconds = (way: Way): number => median(warm(way).map((each) => each.seconds))
const plain = seconds('avsc + DuckDB rows') < seconds('avsc + DuckDB chunks') ? ways[1] : ways[2]
const ratioPerRound = warm('sluice').map((each, round) => warm(plain)[round]!.seconds / each.seconds)
const outcome = ways.map((way) => ({
  way,
  ...figures(warm(way)),
  peakRssBytes: Math.max(...reports[way].map((each) => each.peakRss)),
  cold: figures(reports[way].slice(0, 1)),
  rounds: warm(way).map((each) => ({
    seconds: Number(each.seconds.toFixed(3)),
    cpuSeconds: Number(each.cpuSeconds.toFixed(3)),
  })),
}))
const cold = (way: Way): number => reports[way][0]!.seconds
const ratio = {
  against: plain,
  eventsPerSecond: Number((seconds(plain) / seconds('sluice')).toFixed(2)),
  medianOfRounds: Number(median(ratioPerRound).toFixed(2)),
  cpu: Number(
    (
      median(warm(plain).map((each) => each.cpuSeconds)) / median(warm('sluice').map((each) => each.cpuSeconds))
    ).toFixed(2),
  ),
  cold: Number((cold(plain) / cold('sluice')).toFixed(2)),
}
for (const each of outcome) {
  console.log(
    `${each.way.padEnd(21)} ${each.eventsPerSecond.toLocaleString('en-US').padStart(9)} events/s  ` +
      `${each.cpuSecondsPerMillion.toFixed(2)} CPU s per million  ${Math.round(each.peakRssBytes / 2 ** 20)} MiB peak  ` +
      `(cold ${each.cold.eventsPerSecond.toLocaleString('en-US')} events/s)`,
  )
}
console.log(
  `sluice against ${plain}: ${ratio.eventsPerSecond}x events/s, ${ratio.cpu}x less CPU; cold ${ratio.cold}x; ` +
    `${records} rows equal both ways`,
)

const result = {
  benchmark: 'UserEvent v2, Confluent Avro in a zstd segment log of 3 partitions, to zstd Parquet by date and hour',
  command: `node --conditions=sluice-source bench/src/log-to-parquet.ts ${records} ${rounds} --write`,
  ...origin(),
  records,
  rowsEqual: true,
  ratio,
  ways: outcome,
}
if (process.argv.includes('--write')) storeResult('log-to-parquet', result)
