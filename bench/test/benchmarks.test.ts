import { execFile } from 'node:child_process'
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

  it('README says what the stored results say', async () => {
    expect(await readmeIsCurrent()).toBe(true)
  })
})
