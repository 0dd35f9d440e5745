import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What one check found. `passed` counts single checks (one document, one rule, one package), `failures` says each problem in a line or more. */
export interface CheckResult {
  readonly passed: number
  readonly failures: readonly string[]
}

/** Writes a result where the summary looks for it; the folder is made when missing. */
export function writeResult(file: string, result: CheckResult): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(result, null, 2) + '\n')
}

/**
 * Reads a result written by `writeResult`.
 * @throws {Error} when the file is missing or is not a result: a check that left nothing readable has not passed.
 */
export function readResult(file: string): CheckResult {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof value !== 'object' || value === null) throw new Error(`${file}: not a check result`)
  const { passed, failures } = value as Partial<CheckResult>
  if (!Number.isSafeInteger(passed) || passed! < 0 || !Array.isArray(failures))
    throw new Error(`${file}: not a check result`)
  return { passed: passed!, failures: failures.map(String) }
}

/** Joins results of parts of one check. */
export function joinResults(results: readonly CheckResult[]): CheckResult {
  return { passed: results.reduce((sum, r) => sum + r.passed, 0), failures: results.flatMap((r) => r.failures) }
}
