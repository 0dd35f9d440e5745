/**
 * Many live partitions: a backlog of 2,000,000 events in Kafka that goes to 10,000 folders at the same time (those of the output: each
 * holds an open file until the flush), inside the default budget of 256 MiB; and what 1 % of late events does to the number of files, with
 * 10,000 folders and by date and hour. Rows are counted back from the files. With `--write` the result goes to `results/partitions.json`.
 *
 * Repeat: `node --conditions=sluice-source bench/src/partitions.ts [records] [cells] [--write]`; services are started for it.
 *
 * A cell lies in one Kafka partition, as a key would. Late means up to three hours behind, where the contract allows ten minutes. Each
 * run is a process of its own; peak memory is that of the process, the peak of the budget is what the pipeline accounts for.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { testServices } from '@sluice-tools/services'
import { registerUserEvents } from './kafka/user-events-topic.ts'
import { startContender } from './log-to-parquet/contender.ts'
import type { PartitionsJob, TopicJob } from './partitions/job.ts'
import { origin, storeResult } from './store-result.ts'

const numbers = process.argv.slice(2).filter((argument) => argument !== '--write')
const records = Number(numbers[0] ?? 2_000_000)
const cells = Number(numbers[1] ?? 10_000)
const budgetBytes = 256 * 2 ** 20

interface Shape {
  readonly name: string
  readonly byCell: boolean
  readonly late: boolean
}

const shapes: readonly Shape[] = [
  { name: `${cells} cells`, byCell: true, late: false },
  { name: `${cells} cells, 1 % late`, byCell: true, late: true },
  { name: 'date and hour', byCell: false, late: false },
  { name: 'date and hour, 1 % late', byCell: false, late: true },
]

const data = fileURLToPath(new URL('../.data/partitions', import.meta.url))
const connection = await (await DuckDBInstance.create(':memory:')).connect()

async function rowsIn(root: string): Promise<number> {
  const sql = `SELECT count(*), count(DISTINCT (_partition, _offset)) FROM read_parquet('${root}/**/*.parquet', hive_partitioning = false)`
  const [found] = (await connection.runAndReadAll(sql)).getRows()
  if (found![0] !== found![1]) throw new Error(`${root}: ${found![0]} rows of ${found![1]} positions`)
  return Number(found![0])
}

const topicOf = (late: boolean): string => `bench.partitions-${records}-${cells}${late ? '-late' : ''}`

/** Both topics at the same time: making events is work for one core. */
async function fillTopics(brokers: string): Promise<void> {
  await registerUserEvents()
  await Promise.all(
    [false, true].map(async (late) => {
      const job: TopicJob = { topic: topicOf(late), brokers, records, cells, late }
      const filler = startContender(new URL('./partitions/topic.ts', import.meta.url), [JSON.stringify(job)])
      await filler.run()
      await filler.close()
    }),
  )
}

async function measure(brokers: string) {
  await fillTopics(brokers)
  const found = []
  for (const shape of shapes) {
    const root = `${data}/lake`
    rmSync(root, { recursive: true, force: true })
    mkdirSync(root, { recursive: true })
    const job: PartitionsJob = { brokers, topic: topicOf(shape.late), root, byCell: shape.byCell, budgetBytes }
    const contender = startContender(new URL('./partitions/sluice.ts', import.meta.url), [JSON.stringify(job)])
    const report = await contender.run()
    await contender.close()
    const landed = await rowsIn(root)
    if (report.rows !== records || landed !== records) throw new Error(`${shape.name}: ${landed} rows of ${records}`)
    const { files, folders, late, commits, cutsForMemory, peakBytes } = report.more
    const outcome = {
      shape: shape.name,
      files: files!,
      folders: folders!,
      lateRows: late!,
      commits: commits!,
      cutForMemory: cutsForMemory === 1,
      peakBudgetBytes: peakBytes!,
      peakRssBytes: report.peakRss,
      seconds: Number(report.seconds.toFixed(2)),
    }
    console.log(
      `${outcome.shape.padEnd(52)} ${outcome.files} files in ${outcome.folders} folders, ${outcome.commits} commits${outcome.cutForMemory ? ' (some for memory)' : ''}, ` +
        `${outcome.lateRows} late  budget peak ${(outcome.peakBudgetBytes / 2 ** 20).toFixed(0)} MiB  RSS ${(outcome.peakRssBytes / 2 ** 20).toFixed(0)} MiB  ${outcome.seconds} s`,
    )
    found.push(outcome)
  }
  return found
}

type Outcome = Awaited<ReturnType<typeof measure>>[number]

function barsOf(found: readonly Outcome[]) {
  const [cellRun, cellLate, hours, hoursLate] = found as [Outcome, Outcome, Outcome, Outcome]
  const times = (late: Outcome, plain: Outcome): number => Number((late.files / plain.files).toFixed(2))
  const mebibytes = (bytes: number): number => Number((bytes / 2 ** 20).toFixed(1))
  const most = (of: (each: Outcome) => number): number => mebibytes(Math.max(...found.map(of)))
  const bar = (text: string, measured: number, limit: number) => ({ bar: text, measured, met: measured <= limit })
  return [
    bar(
      'budget peak at most 256 MiB',
      most((each) => each.peakBudgetBytes),
      256,
    ),
    bar(
      'peak RSS of the process at most twice the budget, MiB',
      most((each) => each.peakRssBytes),
      512,
    ),
    bar('cells: files per folder', Number((cellRun.files / cellRun.folders).toFixed(2)), 1),
    bar('cells, 1 % late: files at most 1.2 times', times(cellLate, cellRun), 1.2),
    bar('date and hour, 1 % late: files at most 1.2 times', times(hoursLate, hours), 1.2),
  ]
}

const services = await testServices(['kafka'])
try {
  const found = await measure(services.env['KAFKA_BROKERS']!)
  const bars = barsOf(found)
  for (const { bar, measured, met } of bars) console.log(`${met ? 'met    ' : 'not met'} ${bar}: ${measured}`)
  console.log(`${records} rows in all runs; load ${loadavg()[0]!.toFixed(1)}`)
  if (process.argv.includes('--write')) {
    const result = {
      benchmark: `Kafka to zstd Parquet in ${cells} live folders inside a budget of 256 MiB, and the files that 1 % of late events costs`,
      command: `node --conditions=sluice-source bench/src/partitions.ts ${process.argv.slice(2).join(' ')}`,
      ...origin(),
      records,
      cells,
      bars,
      runs: found,
    }
    storeResult('partitions', result)
  }
} finally {
  rmSync(data, { recursive: true, force: true })
  await services.release()
}
