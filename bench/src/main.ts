/**
 * Runs benchmarks one after the other, each in a process of its own, and writes what they found:
 * `npm run bench --workspace bench [-- decode encode kafka-to-parquet-local ...]`, or `make bench` for all of them. Needs some half an hour
 * of an otherwise idle machine. Results go to `results/`, the tables of `README.md` are made of those.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { updateReadme } from './report.ts'

/** By name: the program, and what it is told besides `--write`. */
const benchmarks: Readonly<Record<string, readonly [program: string, ...words: string[]]>> = {
  decode: ['decode'],
  encode: ['encode'],
  'log-to-parquet': ['log-to-parquet'],
  'kafka-to-parquet-local': ['kafka-to-parquet', '2000000', '2', '--store', 'local'],
  'kafka-to-parquet-minio': ['kafka-to-parquet', '2000000', '2', '--store', 'minio'],
  compatibility: ['compatibility'],
  latency: ['latency'],
  partitions: ['partitions'],
  postgres: ['postgres'],
}
const names = Object.keys(benchmarks)
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !names.includes(name))
if (unknown.length > 0) throw new Error(`no such benchmark: ${unknown.join(', ')}; there are ${names.join(', ')}`)
for (const name of asked.length > 0 ? asked : names) {
  console.log(`\n${name}`)
  const [program, ...words] = benchmarks[name]!
  const file = fileURLToPath(new URL(`./${program}.ts`, import.meta.url))
  const command = ['--conditions=sluice-source', file, ...words, '--write']
  const { status, signal } = spawnSync(process.execPath, command, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${name} ended with ${signal ?? status}`)
}
await updateReadme()
