import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckResult } from './result.ts'
import { readResult } from './result.ts'

/** The part of vitest's JSON report that is counted. */
interface VitestReport {
  readonly success: boolean
  readonly numTotalTests: number
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/**
 * Counts a vitest JSON report. A skipped or todo test is a failure: what CI cannot run has not passed.
 * So is a test file that did not load, a report without tests, and a run that vitest itself calls unsuccessful.
 */
export function countVitest(report: VitestReport): CheckResult {
  const failures: string[] = []
  for (const file of report.testResults) {
    const bad = file.assertionResults.filter((test) => test.status !== 'passed')
    for (const test of bad) failures.push(`${test.status}: ${test.fullName} (${file.name})`)
    if (file.status !== 'passed' && bad.length === 0) {
      failures.push(`${file.name}: the file failed outside its tests${file.message ? `: ${file.message}` : ''}`)
    }
  }
  if (report.numTotalTests === 0 && failures.length === 0) failures.push('no test ran')
  if (!report.success && failures.length === 0) failures.push('vitest reports failure (an error outside the tests)')
  return { passed: report.numPassedTests, failures }
}

/** One line of the summary. */
export interface SummaryRow extends CheckResult {
  readonly name: string
}

/** What a step is called and where its result must be; `vitest` results are counted, `check` results are as written. */
export interface ExpectedResult {
  readonly name: string
  readonly kind: 'check' | 'vitest'
  /** relative to the results folder */
  readonly file: string
}

/** Reads every expected result. One that is missing or unreadable counts as one failure of its step. */
export function collectResults(folder: string, expected: readonly ExpectedResult[]): SummaryRow[] {
  return expected.map(({ name, kind, file }) => {
    const path = join(folder, file)
    try {
      const result =
        kind === 'check' ? readResult(path) : countVitest(JSON.parse(readFileSync(path, 'utf8')) as VitestReport)
      return { name, ...result }
    } catch (error) {
      return {
        name,
        passed: 0,
        failures: [`left no readable result: ${error instanceof Error ? error.message : String(error)}`],
      }
    }
  })
}

/** The sums over all rows. `ok` needs at least one pass and no failure. */
export function sumRows(rows: readonly SummaryRow[]): { passed: number; failed: number; ok: boolean; line: string } {
  const passed = rows.reduce((sum, row) => sum + row.passed, 0)
  const failed = rows.reduce((sum, row) => sum + row.failures.length, 0)
  return { passed, failed, ok: failed === 0 && passed > 0, line: `${passed} passed, ${failed} failed` }
}

/** A table for people, failures first spelled out, then a row for each step. */
export function formatSummary(rows: readonly SummaryRow[]): string {
  const lines: string[] = []
  for (const row of rows) {
    for (const failure of row.failures) lines.push(`FAIL ${row.name}: ${failure}`)
  }
  if (lines.length > 0) lines.push('')
  const width = Math.max(...rows.map((row) => row.name.length), 4)
  for (const row of rows) {
    lines.push(
      `${row.name.padEnd(width)}  ${String(row.passed).padStart(6)} passed  ${String(row.failures.length).padStart(4)} failed`,
    )
  }
  return lines.join('\n')
}
