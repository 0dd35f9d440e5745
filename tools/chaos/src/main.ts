import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { campaign } from './campaign.ts'
import { openStage } from './stage.ts'

/**
 * `make chaos RUNS=200 [SEED=…]`: that many runs from that seed on (default: seeds of this moment); the result is written to
 * `results/`. Ends with 1 when there was a violation.
 */
const runs = numberOf('RUNS', 4)
const seed = numberOf('SEED', Math.floor(Date.now() / 1000))
const out = process.env['OUT'] ?? `chaos-${seed}-${runs}.json`
const folder = join(import.meta.dirname, '../results')

const stage = await openStage()
try {
  const result = await campaign(
    Array.from({ length: runs }, (_, i) => seed + i),
    stage,
    (text) => console.log(text),
  )
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, out), `${JSON.stringify(result, null, 2)}\n`)
  console.log(
    `${result.runs} runs, ${result.records} records, ${result.violations} violations in ${result.seconds} s: tools/chaos/results/${out}`,
  )
  process.exitCode = result.violations === 0 ? 0 : 1
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
