import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { campaign, describeRun, recordOf, summarise, type CampaignResult, type RunRecord } from './campaign.ts'
import { testServices } from '@sluice-tools/services'
import { driverOf, drivers, type Driver } from './schedule.ts'
import { openStage, sharedServices, type Stage } from './stage.ts'

/**
 * `make chaos RUNS=200 [SEED=…] [PARALLEL=2] [DRIVER=kafkajs]`: that many runs from that seed on (default: seeds of this moment), so
 * many at a time; with a driver, of those seeds only that are dealt it. After each run all of them are written to `results/<OUT>`; a file that is there is added to, and a seed that is run
 * again takes the place of its former result. Ends with 1 when there was a violation.
 */
const runs = numberOf('RUNS', 4)
const seed = numberOf('SEED', Math.floor(Date.now() / 1000))
const parallel = Math.max(1, Math.min(runs, numberOf('PARALLEL', 1)))
const driver = driverNamed(process.env['DRIVER'])
const folder = join(import.meta.dirname, '../results')
const out = join(folder, process.env['OUT'] || `chaos-${seed}.json`)

mkdirSync(folder, { recursive: true })
const earlier = existsSync(out) ? (JSON.parse(readFileSync(out, 'utf8')) as CampaignResult).results : []
await using opened = new AsyncDisposableStack()
const shared = await testServices(sharedServices)
opened.defer(() => shared.release())
const stages: Stage[] = []
for (let i = 0; i < parallel; i++) {
  const stage = await openStage(shared)
  opened.defer(() => stage.close())
  stages.push(stage)
}

// Results from before there were two drivers do not say which one it was.
const done: RunRecord[] = earlier.map((each) => ({ ...each, driver: each.driver ?? 'kafka' }))
await campaign(seedsFrom(seed, runs), stages, async (result) => {
  console.log(describeRun(result))
  const before = done.findIndex((each) => each.seed === result.plan.seed)
  if (before >= 0) done.splice(before, 1)
  done.push(recordOf(result))
  done.sort((a, b) => a.seed - b.seed)
  // One after another, as stages end when they do, and whole or not at all.
  writeFileSync(`${out}.part`, `${JSON.stringify(summarise(done), null, 2)}\n`)
  renameSync(`${out}.part`, out)
})
const { runs: all, records, violations, seconds } = summarise(done)
console.log(`${all} runs, ${records} records, ${violations} violations in ${seconds} s: ${out}`)
process.exitCode = violations === 0 ? 0 : 1

function seedsFrom(first: number, count: number): number[] {
  const found: number[] = []
  for (let seed = first; found.length < count; seed++)
    if (driver === undefined || driverOf(seed) === driver) found.push(seed)
  return found
}

function driverNamed(text: string | undefined): Driver | undefined {
  if (text === undefined || text === '') return undefined
  const found = drivers.find((driver) => driver === text)
  if (found === undefined) throw new TypeError(`DRIVER should be one of ${drivers.join(', ')}, is ${text}`)
  return found
}

function numberOf(name: string, fallback: number): number {
  const text = process.env[name]
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`${name} should be a whole number, is ${text}`)
  return value
}
