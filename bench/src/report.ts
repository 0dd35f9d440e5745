/**
 * The tables of `README.md`, made of `results/*.json`. As a program it writes them anew:
 * `node --conditions=sluice-source bench/src/report.ts`. A test holds the README to the results.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { format, resolveConfig } from 'prettier'
import type { Machine } from './store-result.ts'

interface DecodeResult {
  readonly records: number
  readonly machine: Machine
  readonly date?: string
  readonly recordsPerSecond: Readonly<Record<string, number>>
  readonly ratio: Readonly<Record<string, number>>
}

interface EncodeResult {
  readonly rows: number
  readonly machine: Machine
  readonly date?: string
  readonly writers: readonly {
    readonly writer: string
    readonly rowsPerSecond: number
    readonly medianCpuSeconds: number
    readonly fileBytes: number
    readonly timesOfSluice: number
  }[]
}

interface LogToParquetResult {
  readonly records: number
  readonly machine: Machine
  readonly date?: string
  readonly ratio: Readonly<Record<'eventsPerSecond' | 'cpu' | 'cold', number>> & { readonly against: string }
  readonly ways: readonly {
    readonly way: string
    readonly eventsPerSecond: number
    readonly cpuSecondsPerMillion: number
    readonly peakRssBytes: number
    readonly cold: { readonly eventsPerSecond: number }
  }[]
}

interface CompatibilityResult {
  readonly checks: number
  readonly rounds: number
  readonly machine: Machine
  readonly date?: string
  readonly seconds: Readonly<Record<string, number>>
}

interface GenerateResult {
  readonly machine: Machine
  readonly date?: string
  readonly throughput: readonly {
    readonly domain: string
    readonly to: string
    readonly perSecond: number
    readonly perCpuSecond: number | null
  }[]
  readonly rates: readonly {
    readonly rate: string
    readonly seconds: number
    readonly events: number
    readonly wanted: number
    readonly offPercent: number
  }[]
}

interface Bar {
  readonly bar: string
  readonly measured: number
  readonly met: boolean
}

interface KafkaToParquetResult {
  readonly records: number
  readonly machine: Machine
  readonly date?: string
  readonly ratio: Readonly<Record<'eventsPerSecond' | 'cpu' | 'coldEventsPerSecond' | 'coldCpu', number>> & {
    readonly against: string
  }
  readonly bars: readonly Bar[]
  readonly ways: readonly {
    readonly way: string
    readonly eventsPerSecond: number
    readonly cpuSecondsPerMillion: number
    readonly peakRssBytes: number
    readonly firstFileSeconds: number
    readonly cold: { readonly eventsPerSecond: number; readonly cpuSecondsPerMillion: number }
  }[]
}

interface LatencyResult {
  readonly machine: Machine
  readonly date?: string
  readonly seconds: number
  readonly bars: readonly Bar[]
  readonly lanes: readonly ({ readonly lane: string } & Readonly<
    Record<'eventsPerSecond' | 'events' | 'p50Ms' | 'p99Ms' | 'maxMs' | 'coldMaxMs' | 'files' | 'peakRssBytes', number>
  >)[]
}

interface PartitionsResult {
  readonly machine: Machine
  readonly date?: string
  readonly bars: readonly Bar[]
  readonly runs: readonly ({ readonly shape: string } & Readonly<
    Record<'files' | 'folders' | 'lateRows' | 'commits' | 'peakBudgetBytes' | 'peakRssBytes' | 'seconds', number>
  >)[]
}

interface PostgresResult {
  readonly records: number
  readonly machine: Machine
  readonly date?: string
  readonly bars: readonly Bar[]
  readonly ways: readonly ({ readonly way: string } & Readonly<
    Record<'rowsPerSecond' | 'cpuSeconds' | 'postgresCpuSeconds' | 'postgresShareOfCpu' | 'peakRssMiB', number>
  >)[]
}

const readme = new URL('../README.md', import.meta.url)
const count = (value: number): string => Math.round(value).toLocaleString('en-US')
const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, at) => (at === 0 ? '---' : '--:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
const measuredOn = ({ date, machine }: { readonly date?: string; readonly machine: Machine }): string =>
  `Measured ${date === undefined ? '' : `${date} `}on ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}.`

function decodeSection(result: DecodeResult): string {
  const rows = Object.entries(result.recordsPerSecond).map(([name, perSecond]) => [name, count(perSecond)])
  const ratios = Object.entries(result.ratio).map(([name, times]) => `${name}: **${times} times** the speed`)
  return `${measuredOn(result)}\n\n${table(['decode', 'records/s'], rows)}\n\n${ratios.join('; ')}.`
}

function encodeSection(result: EncodeResult): string {
  const rows = result.writers.map((each) => [
    each.writer,
    count(each.rowsPerSecond),
    ((each.medianCpuSeconds * 1e6) / result.rows).toFixed(2),
    mebibytes(each.fileBytes),
    `${each.timesOfSluice.toFixed(2)} x`,
  ])
  return `${measuredOn(result)}\n\n${table(['writer', 'rows/s', 'CPU s per million', 'file', 'time of sluice'], rows)}`
}

function logToParquetSection(result: LogToParquetResult): string {
  const rows = result.ways.map((each) => [
    each.way,
    count(each.eventsPerSecond),
    each.cpuSecondsPerMillion.toFixed(2),
    mebibytes(each.peakRssBytes),
    count(each.cold.eventsPerSecond),
  ])
  const { against, eventsPerSecond, cpu, cold } = result.ratio
  return (
    `${measuredOn(result)}\n\n${table(['way', 'events/s', 'CPU s per million', 'peak RSS', 'events/s, first run'], rows)}\n\n` +
    `Against the faster plain way, ${against}: **${eventsPerSecond} times** the events per second with a CPU time ${cpu} times smaller; ` +
    `in the first run of a process ${cold} times.`
  )
}

function compatibilitySection(result: CompatibilityResult): string {
  const rows = Object.entries(result.seconds).map(([name, seconds]) => [
    name,
    seconds.toFixed(3),
    count(result.checks / seconds),
  ])
  return `${measuredOn(result)}\n\n${table(['check', `s for ${count(result.checks)}`, 'checks/s'], rows)}`
}

function generateSection(result: GenerateResult): string {
  const perCore = result.throughput.map((each) => [
    each.domain,
    each.to,
    each.perCpuSecond === null ? '' : count(each.perCpuSecond),
    count(each.perSecond),
  ])
  const rates = result.rates.map((each) => [
    `\`${each.rate}\``,
    count(each.wanted),
    count(each.events),
    `${each.offPercent.toFixed(3)} %`,
  ])
  return (
    `${measuredOn(result)}\n\n${table(['domain', 'to', 'events per CPU s', 'events/s'], perCore)}\n\n` +
    table(['rate', 'wanted', 'events', 'off'], rates)
  )
}

const barLines = (bars: readonly Bar[]): string =>
  bars.map(({ bar, measured, met }) => `- ${bar}: ${measured}, **${met ? 'met' : 'not met'}**`).join('\n')

function kafkaToParquetSection(result: KafkaToParquetResult): string {
  const rows = result.ways.map((each) => [
    each.way,
    count(each.eventsPerSecond),
    each.cpuSecondsPerMillion.toFixed(2),
    `${Math.round(each.peakRssBytes / 1e6)} MB`,
    `${each.firstFileSeconds} s`,
    count(each.cold.eventsPerSecond),
    each.cold.cpuSecondsPerMillion.toFixed(2),
  ])
  const head = [
    'way',
    'events/s',
    'CPU s per million',
    'peak RSS',
    'first file',
    'events/s from start',
    'CPU s from start',
  ]
  const { against, coldEventsPerSecond, coldCpu } = result.ratio
  return (
    `${measuredOn(result)}\n\n${table(head, rows)}\n\nAgainst ${against}; from process start it is ${coldEventsPerSecond} times the events/s ` +
    `with ${coldCpu} times less CPU. Bars of the project:\n\n${barLines(result.bars)}`
  )
}

function latencySection(result: LatencyResult): string {
  const rows = result.lanes.map((each) => [
    each.lane,
    count(each.eventsPerSecond),
    count(each.p50Ms),
    count(each.p99Ms),
    count(each.maxMs),
    count(each.coldMaxMs),
    count(each.events),
    count(each.files),
    `${Math.round(each.peakRssBytes / 1e6)} MB`,
  ])
  const head = ['lane', 'events/s', 'p50 ms', 'p99 ms', 'max ms', 'max of the start ms', 'events', 'files', 'peak RSS']
  return `${measuredOn(result)} ${result.seconds} s each.\n\n${table(head, rows)}\n\n${barLines(result.bars)}`
}

function partitionsSection(result: PartitionsResult): string {
  const rows = result.runs.map((each) => [
    each.shape,
    count(each.files),
    count(each.folders),
    count(each.commits),
    count(each.lateRows),
    mebibytes(each.peakBudgetBytes),
    mebibytes(each.peakRssBytes),
    each.seconds.toFixed(1),
  ])
  const head = ['folders by', 'files', 'folders', 'commits', 'late rows', 'budget peak', 'peak RSS', 's']
  return `${measuredOn(result)}\n\n${table(head, rows)}\n\n${barLines(result.bars)}`
}

function postgresSection(result: PostgresResult): string {
  const rows = result.ways.map((each) => [
    each.way,
    count(each.rowsPerSecond),
    each.cpuSeconds.toFixed(1),
    each.postgresCpuSeconds.toFixed(1),
    `${Math.round(each.postgresShareOfCpu * 100)} %`,
    `${each.peakRssMiB} MiB`,
  ])
  const head = ['way', 'rows/s', 'CPU s of the process', 'CPU s of PostgreSQL', 'its share', 'peak RSS']
  return `${measuredOn(result)} ${count(result.records)} rows.\n\n${table(head, rows)}\n\n${barLines(result.bars)}`
}

const sections: Readonly<Record<string, (result: never) => string>> = {
  decode: decodeSection,
  encode: encodeSection,
  'log-to-parquet': logToParquetSection,
  compatibility: compatibilitySection,
  generate: generateSection,
  'kafka-to-parquet-local': kafkaToParquetSection,
  'kafka-to-parquet-minio': kafkaToParquetSection,
  latency: latencySection,
  partitions: partitionsSection,
  postgres: postgresSection,
}

/** `text` with what lies between `<!-- results: <name> -->` and `<!-- end -->` made anew. */
async function withResults(readmeText: string): Promise<string> {
  let made = readmeText
  for (const [name, section] of Object.entries(sections)) {
    const url = new URL(`../results/${name}.json`, import.meta.url)
    const text = existsSync(url)
      ? section(JSON.parse(await readFile(url, 'utf8')) as never)
      : 'No result is stored yet.'
    const place = new RegExp(`(<!-- results: ${name} -->\\n)[^]*?(<!-- end -->)`)
    if (!place.test(made)) throw new Error(`README.md has no place for the results of ${name}`)
    made = made.replace(place, (_, from: string, to: string) => `${from}\n${text}\n\n${to}`)
  }
  return format(made, { ...(await resolveConfig(readme)), parser: 'markdown' })
}

/** True when the README says what the results say. */
export async function readmeIsCurrent(): Promise<boolean> {
  const text = await readFile(readme, 'utf8')
  return (await withResults(text)) === text
}

export async function updateReadme(): Promise<void> {
  await writeFile(readme, await withResults(await readFile(readme, 'utf8')))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await updateReadme()
