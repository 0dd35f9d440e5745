/**
 * How many events one core simulates, and how well the rate is held. Prints a line per measurement and writes
 * `results/generate.json`.
 *
 * Repeat: `node --conditions=sluice-source bench/src/generate.ts [events] [seconds]`
 *
 * Throughput is measured in this thread, once into nothing (simulation, encoding and faults alone), once with the hash of
 * every row for the ledger, and once more through the command into a segment log on disk with its ledger. Events per
 * second of processor time do not depend on what else the machine does. Rates are those of the command, five profiles at
 * the same time, each in a process of its own, over the same seconds.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createMemoryLedger, domains, type Output, produce } from '@sluice/generators'
import { origin, storeResult } from './store-result.ts'

const events = Number(process.argv[2] ?? 100_000)
const seconds = Number(process.argv[3] ?? 60)
const command = fileURLToPath(import.meta.resolve('@sluice/simulator')).replace(/index\.ts$/, 'main.ts')
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-generate-'))

/** Takes everything and keeps nothing. */
function nowhere(): Output {
  const next = new Map<string, number>()
  return {
    write: async (topic, records) => {
      const firsts = new Map<number, number>()
      for (const { partition } of records) {
        const key = `${topic}/${partition}`
        const offset = next.get(key) ?? 0
        next.set(key, offset + 1)
        if (!firsts.has(partition)) firsts.set(partition, offset)
      }
      return [...firsts].map(([partition, baseOffset]) => ({ partition, baseOffset }))
    },
    close: async () => {},
  }
}

interface Throughput {
  readonly domain: string
  readonly to: string
  readonly events: number
  readonly perSecond: number
  readonly perCpuSecond: number | null
}

async function inThread(domain: string, feeds: readonly string[], withLedger: boolean): Promise<Throughput> {
  const ledger = createMemoryLedger()
  const run = (count: number) =>
    produce({ feeds, outputs: [nowhere()], count, ...(withLedger ? { ledger } : {}), seed: 'bench' })
  await run(Math.min(events, 20_000))
  const cpuBefore = process.cpuUsage()
  const before = performance.now()
  await run(events)
  const cpu = process.cpuUsage(cpuBefore)
  return {
    domain,
    to: withLedger ? 'nothing, row hashes in a ledger' : 'nothing',
    events,
    perSecond: Math.round((events * 1000) / (performance.now() - before)),
    perCpuSecond: Math.round((events * 1e6) / (cpu.user + cpu.system)),
  }
}

interface Figures {
  readonly records: number
  readonly elapsedMs: number
  readonly perSecond: number
  readonly wanted: number | null
}

/** Runs the command as a user does and reads its figures. */
function generate(words: readonly string[]): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const args = ['--conditions=sluice-source', command, 'run', ...words, '--json', '--quiet']
    execFile(process.execPath, args, { maxBuffer: 2 ** 26 }, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as Figures)
      else reject(error)
    })
  })
}

const throughput: Throughput[] = []
for (const { name, feeds } of domains) {
  const topics = feeds.map((feed) => feed.name)
  for (const withLedger of [false, true]) throughput.push(await inThread(name, topics, withLedger))
  const files = ['--to', `log:${join(folder, name)}`, '--ledger', join(folder, `${name}.jsonl`)]
  const { records, perSecond } = await generate([name, '--count', String(events), ...files])
  throughput.push({ domain: name, to: 'segment log and ledger file', events: records, perSecond, perCpuSecond: null })
  for (const line of throughput.slice(-3)) console.log(JSON.stringify(line))
}

const profiles = {
  constant: '1000',
  ramp: `ramp:from=100,to=1900,over=${seconds}s`,
  burst: 'burst:base=500,peak=4000,every=10s,burst=2s',
  diurnal: `diurnal:low=200,high=1800,day=${seconds / 2}s`,
  soak: 'soak:rate=1000,warmup=10s',
}
const rates = await Promise.all(
  Object.entries(profiles).map(async ([profile, rate]) => {
    const to = ['--to', `log:${join(folder, `rate-${profile}`)}`, '--ledger', join(folder, `rate-${profile}.jsonl`)]
    const { records, elapsedMs, wanted } = await generate(['ecommerce', '--rate', rate, '--for', `${seconds}s`, ...to])
    const offPercent = Number(((records / wanted! - 1) * 100).toFixed(3))
    return { profile, rate, seconds: elapsedMs / 1000, events: records, wanted: wanted!, offPercent }
  }),
)
for (const line of rates) console.log(JSON.stringify(line))
rmSync(folder, { recursive: true, force: true })

const result = {
  benchmark: 'Simulators: events per second of one thread, and rate control over real time',
  ...origin(),
  throughput,
  rates,
}
storeResult('generate', result)
