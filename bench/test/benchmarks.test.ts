import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readmeIsCurrent } from '../src/report.ts'

const run = promisify(execFile)
const bench = (name: string, ...args: string[]) =>
  run(process.execPath, [
    '--conditions=sluice-source',
    fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url)),
    ...args,
  ])

/** Small runs: what a benchmark compares must be equal; how fast it is, is not looked at here. */
describe('benchmarks', () => {
  it('log-to-parquet: rows of all ways are equal', async () => {
    const { stdout } = await bench('log-to-parquet', '20000', '1')
    expect(stdout).toContain('20000 rows equal both ways')
  })

  it('encode: rows of all writers are equal', async () => {
    const { stdout } = await bench('encode', '5000', '1')
    expect(stdout.match(/M rows\/s/g)).toHaveLength(3)
  })

  it('compatibility: every verdict of every load is the right one', async () => {
    const { stdout } = await bench('compatibility', '5', '1')
    expect(stdout).toContain('checks: 5')
  })

  it('compatibility: the stored result is within the bar, 1,000 checks in under 2 s', () => {
    const { checks, seconds } = JSON.parse(
      readFileSync(new URL('../results/compatibility.json', import.meta.url), 'utf8'),
    ) as { checks: number; seconds: Record<string, number> }
    expect(checks).toBe(1000)
    expect(Object.keys(seconds)).toHaveLength(3)
    for (const time of Object.values(seconds)) expect(time).toBeLessThan(2)
  })

  it('README says what the stored results say', async () => {
    expect(await readmeIsCurrent()).toBe(true)
  })
})
