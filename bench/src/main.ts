/**
 * Runs benchmarks one after the other, each in a process of its own, and writes what they found:
 * `npm run bench --workspace bench [-- decode encode log-to-parquet]`, or `make bench` for all of them. Needs some five minutes of an
 * otherwise idle machine. Results go to `results/`, the tables of `README.md` are made of those.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { updateReadme } from './report.ts'

const benchmarks = ['decode', 'encode', 'log-to-parquet', 'compatibility']
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !benchmarks.includes(name))
if (unknown.length > 0) throw new Error(`no such benchmark: ${unknown.join(', ')}; there are ${benchmarks.join(', ')}`)
for (const name of asked.length > 0 ? asked : benchmarks) {
  console.log(`\n${name}`)
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  const { status, signal } = spawnSync(process.execPath, ['--conditions=sluice-source', file, '--write'], {
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`${name} ended with ${signal ?? status}`)
}
await updateReadme()
