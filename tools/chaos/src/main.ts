import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { campaign, describeRun, summarise, type CampaignResult, type RunRecord } from './campaign.ts'
import { openStage } from './stage.ts'

/**
 * `make chaos RUNS=200 [SEED=…]`: that many runs from that seed on (default: seeds of this moment). After each run all of them
 * are written to `results/<OUT>`; a file that is there is added to. Ends with 1 when there was a violation.
 */
const runs = numberOf('RUNS', 4)
const seed = numberOf('SEED', Math.floor(Date.now() / 1000))
const folder = join(import.meta.dirname, '../results')
const out = join(folder, process.env['OUT'] || `chaos-${seed}.json`)

await mkdir(folder, { recursive: true })
const earlier = existsSync(out) ? (JSON.parse(readFileSync(out, 'utf8')) as CampaignResult).results : []
const stage = await openStage()
try {
  const done: RunRecord[] = [...earlier]
  await campaign(
    Array.from({ length: runs }, (_, i) => seed + i),
    stage,
    async (result) => {
      console.log(describeRun(result))
      const { plan, ...rest } = result
      done.push({ seed: plan.seed, ...rest })
      await writeFile(out, `${JSON.stringify(summarise(done), null, 2)}\n`)
    },
  )
  const { runs: all, records, violations, seconds } = summarise(done)
  console.log(`${all} runs, ${records} records, ${violations} violations in ${seconds} s: ${out}`)
  process.exitCode = violations === 0 ? 0 : 1
} finally {
  await stage.close()
}

function numberOf(name: string, fallback: number): number {
  const text = process.env[name]
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`${name} should be a whole number, is ${text}`)
  return value
}
