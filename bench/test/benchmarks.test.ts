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

  it('kafka-to-parquet: rows of all ways are equal on MinIO', { timeout: 180_000 }, async () => {
    const { stdout } = await bench('kafka-to-parquet', '6000', '0', '--store', 'minio')
    expect(stdout).toContain('6000 rows equal in all ways')
  })

  it('kafka-to-parquet: rows of both are equal in a folder', { timeout: 180_000 }, async () => {
    const { stdout } = await bench('kafka-to-parquet', '6000', '0', '--ways', 'sluice,rows')
    expect(stdout).toContain('6000 rows equal in all ways')
  })

  it('latency: no event is lost or doubled in any lane', { timeout: 180_000 }, async () => {
    const { stdout } = await bench('latency', '2', '50')
    expect(stdout.match(/200 events, none lost or doubled/g)).toHaveLength(3)
  })

  it('partitions: all rows are there in all shapes', { timeout: 180_000 }, async () => {
    const { stdout } = await bench('partitions', '6000', '200')
    expect(stdout).toContain('6000 rows in all runs')
    expect(stdout).toContain('200 files in 200 folders')
  })

  it('postgres: rows of both are equal', { timeout: 180_000 }, async () => {
    const { stdout } = await bench('postgres', '4000', '0')
    expect(stdout).toContain('4000 rows equal both ways')
  })

  it('README says what the stored results say', async () => {
    expect(await readmeIsCurrent()).toBe(true)
  })
})
