import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'

/** Where a result was measured. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  /** Version of Node. */
  readonly node: string
  /** Load of the last minute: figures of a busy machine are lower bounds. */
  readonly load?: string
}

/** When, of what and where a result was measured. */
export function origin(): { readonly date: string; readonly commit: string; readonly machine: Machine } {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      node: process.version,
      load: loadavg()[0]!.toFixed(1),
    },
  }
}

/** Writes `results/<name>.json`, from which the README is made. */
export function storeResult(name: string, result: object): void {
  writeFileSync(new URL(`../results/${name}.json`, import.meta.url), `${JSON.stringify(result, null, 2)}\n`)
}
