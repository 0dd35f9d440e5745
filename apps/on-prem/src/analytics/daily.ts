import type { SqlConnector, SqlSession } from '@sluice/sink-postgres'
import { checkRules, inTransaction, runFiles, type CheckedRule } from '../warehouse/run-sql.ts'
import { fillPlaces, readSqlFolder, type SqlPlaces } from '../warehouse/sql-files.ts'

export interface QualityCheck {
  readonly name: string
  readonly measured: number | null
  readonly threshold: number
  /** `unknown`: there is not enough to measure by. */
  readonly outcome: 'passed' | 'failed' | 'unknown'
  readonly detail: string
}

export interface DailyStep {
  readonly step: 'load' | 'models' | 'tests' | 'quality'
  readonly outcome: 'done' | 'failed' | 'left out'
  readonly ms: number
  /** Why it failed; codes and names, never contents of rows. */
  readonly problem?: string
}

/** What a daily run did and found; this is the JSON report. */
export interface DailyReport {
  readonly ok: boolean
  readonly startedAt: string
  readonly asOf: string
  readonly steps: readonly DailyStep[]
  /** Facts added, and facts whose user key was corrected because something about their user arrived late. */
  readonly loaded: { readonly facts: number; readonly corrected: number }
  readonly tests: readonly CheckedRule[]
  readonly quality: readonly QualityCheck[]
  /** What somebody should be told. */
  readonly alerts: readonly string[]
}

export interface DailyOptions {
  readonly connector: SqlConnector
  readonly schema: string
  /** The time that freshness, volume and inactivity are measured against. */
  readonly asOf: Date
  readonly now?: () => Date
  readonly signal: AbortSignal
}

/** A load that takes longer is worth an alert, ms. */
export const longLoadMs = 3_600_000

/**
 * The daily job: load the star, build the marts, test both, measure quality; in this order, each step one transaction. A
 * step that cannot run stops what builds on it; quality is measured whenever there are facts to measure, so that the report
 * says how things stand.
 */
export async function runDaily(options: DailyOptions): Promise<DailyReport> {
  const { connector, schema, asOf, signal, now = () => new Date() } = options
  const places: SqlPlaces = { schema, asOf }
  const startedAt = now()
  const steps: DailyStep[] = []
  let loaded = { facts: 0, corrected: 0 }
  let tests: readonly CheckedRule[] = []
  let quality: readonly QualityCheck[] = []

  async function step(
    name: DailyStep['step'],
    wanted: boolean,
    work: () => Promise<string | undefined>,
  ): Promise<boolean> {
    if (!wanted) {
      steps.push({ step: name, outcome: 'left out', ms: 0 })
      return false
    }
    const started = performance.now()
    let problem: string | undefined
    try {
      problem = await work()
    } catch (error) {
      signal.throwIfAborted()
      problem = problemOf(error)
    }
    const ms = Math.round(performance.now() - started)
    steps.push({
      step: name,
      outcome: problem === undefined ? 'done' : 'failed',
      ms,
      ...(problem !== undefined && { problem }),
    })
    return problem === undefined
  }

  const didLoad = await step('load', true, async () => {
    const files = await readSqlFolder('analytics/load')
    loaded = await inTransaction(connector, signal, (session) => load(session, files, places))
    return undefined
  })
  const didModels = await step('models', didLoad, async () => {
    const files = await readSqlFolder('analytics/models')
    await inTransaction(connector, signal, (session) => runFiles(session, files, places))
    return undefined
  })
  await step('tests', didModels, async () => {
    const files = await readSqlFolder('analytics/tests')
    tests = await inTransaction(connector, signal, (session) => checkRules(session, files, places))
    const failed = tests.filter(({ violations }) => violations > 0)
    return failed.length === 0 ? undefined : failed.map(({ name }) => name).join(', ')
  })
  await step('quality', didLoad, async () => {
    quality = await inTransaction(connector, signal, (session) => measure(session, places))
    const failed = quality.filter(({ outcome }) => outcome === 'failed')
    return failed.length === 0 ? undefined : failed.map(({ name }) => name).join(', ')
  })
  const alerts = alertsOf(steps, quality, tests)
  const ok = steps.every(({ outcome }) => outcome === 'done')
  return { ok, startedAt: startedAt.toISOString(), asOf: asOf.toISOString(), steps, loaded, tests, quality, alerts }
}

async function load(
  session: SqlSession,
  files: Awaited<ReturnType<typeof readSqlFolder>>,
  places: SqlPlaces,
): Promise<DailyReport['loaded']> {
  let facts = 0
  let corrected = 0
  for (const { name, text } of files) {
    // The statement that is counted stands first in `repoint_facts` and alone in `fact_events`.
    const statements = fillPlaces(text, places)
    if (name === 'repoint_facts') {
      const [update, ...rest] = statements.split(/;\n\n/)
      corrected = (await session.query(update!)).affected
      for (const statement of rest) await session.query(statement)
    } else {
      const { affected } = await session.query(statements)
      if (name === 'fact_events') facts = affected
    }
  }
  return { facts, corrected }
}

async function measure(session: SqlSession, places: SqlPlaces): Promise<QualityCheck[]> {
  const checks: QualityCheck[] = []
  for (const { text } of await readSqlFolder('analytics/quality')) {
    const { rows } = await session.query(fillPlaces(text, places))
    for (const { name, measured, threshold, ok, detail } of rows) {
      checks.push({
        name: String(name),
        measured: measured === null ? null : Number(measured),
        threshold: Number(threshold),
        outcome: ok === null ? 'unknown' : ok === true ? 'passed' : 'failed',
        detail: detail === null ? 'nothing to measure' : String(detail),
      })
    }
  }
  return checks
}

function alertsOf(
  steps: readonly DailyStep[],
  quality: readonly QualityCheck[],
  tests: readonly CheckedRule[],
): string[] {
  const broken = steps
    .filter(({ step, outcome }) => outcome === 'failed' && (step === 'load' || step === 'models'))
    .map(({ step, problem }) => `${step} failed: ${problem ?? 'no reason given'}`)
  const slow = steps
    .filter(({ step, ms }) => step === 'load' && ms > longLoadMs)
    .map(({ ms }) => `the load took ${Math.round(ms / 60_000)} minutes`)
  const failedTests = tests
    .filter(({ violations }) => violations > 0)
    .map(({ name, violations, about }) => `model test ${name}: ${violations} rows against "${about}"`)
  const failedChecks = quality
    .filter(({ outcome }) => outcome === 'failed')
    .map(
      ({ name, measured, threshold, detail }) =>
        `${name} is ${measured ?? 'not measurable'}, limit ${threshold} (${detail})`,
    )
  return [...broken, ...slow, ...failedTests, ...failedChecks]
}

/** Code and text of the server, which name columns and rules, not values; the detail line that quotes a row stays out. */
function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code} ` : ''
  return `${code}${error.message.split('\n')[0]!}`
}

/** Pure: what goes to the alert channel. */
export function alertText(report: DailyReport): string {
  const head = `Event analytics, daily job as of ${report.asOf}: ${report.alerts.length} problem${report.alerts.length === 1 ? '' : 's'}`
  return [head, ...report.alerts.map((alert) => `• ${alert}`)].join('\n')
}
