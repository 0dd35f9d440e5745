import { renderTable } from './table.ts'

export type CheckOutcome = 'ok' | 'warn' | 'fail'

export interface CheckResult {
  readonly outcome: CheckOutcome
  /** What was found, in one line. */
  readonly found: string
  /** What to do about it; not for `ok`. */
  readonly advice?: string
}

/** One small independent question about the surroundings of an app. It reads, or cleans up what it wrote. */
export interface HealthCheck {
  readonly name: string
  /** An error thrown is a `fail` with its text. */
  run(signal: AbortSignal): Promise<CheckResult>
}

export interface DoctorLine extends CheckResult {
  readonly name: string
  readonly tookMs: number
}

export interface DoctorReport {
  /** No check failed; warnings do not count. */
  readonly ok: boolean
  readonly lines: readonly DoctorLine[]
}

export interface DoctorOptions {
  /** Bound of each check, ms. Default 15,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Runs all checks at the same time, each on its own and within its time: one that hangs hides no other. */
export async function runDoctor(checks: readonly HealthCheck[], options: DoctorOptions = {}): Promise<DoctorReport> {
  const { timeoutMs = 15_000, signal = new AbortController().signal } = options
  const lines = await Promise.all(checks.map((check) => runCheck(check, timeoutMs, signal)))
  return { ok: lines.every(({ outcome }) => outcome !== 'fail'), lines }
}

async function runCheck(check: HealthCheck, timeoutMs: number, signal: AbortSignal): Promise<DoctorLine> {
  const began = performance.now()
  const late = new AbortController()
  const either = AbortSignal.any([signal, late.signal])
  let timer: NodeJS.Timeout | undefined
  const timedOut = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => {
      late.abort()
      resolve({
        outcome: 'fail',
        found: `no answer in ${timeoutMs} ms`,
        advice: 'see whether it can be reached from here',
      })
    }, timeoutMs)
  })
  try {
    const result = await Promise.race([check.run(either), timedOut])
    return { name: check.name, ...result, tookMs: performance.now() - began }
  } catch (error) {
    const found = errorText(error)
    return { name: check.name, outcome: 'fail', found, tookMs: performance.now() - began }
  } finally {
    clearTimeout(timer)
  }
}

/** Code and message; what lies behind it is for logs. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? `${error.code}: ${error.message}` : error.message
}

/** Pure: text from findings, failures last, where they are seen. */
export function describeDoctor(report: DoctorReport): string {
  const order: readonly CheckOutcome[] = ['ok', 'warn', 'fail']
  const lines = [...report.lines].sort((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome))
  const table = renderTable(
    [
      { title: 'check', value: ({ name }) => name },
      { title: 'outcome', value: ({ outcome }) => outcome },
      { title: 'found', value: ({ found }) => shortened(oneLine(found)) },
    ],
    lines,
  )
  const advice = lines.flatMap(({ name, outcome, found, advice: text }) => {
    const long = oneLine(found).length > shownLength ? [oneLine(found)] : []
    const parts = [...long, ...(text === undefined ? [] : [text])]
    return parts.length === 0 ? [] : [`${outcome} ${name}: ${parts.join('; ')}`]
  })
  const count = (outcome: CheckOutcome): number => lines.filter((line) => line.outcome === outcome).length
  const total = `${count('ok')} ok, ${count('warn')} warnings, ${count('fail')} failed`
  return `${[table, ...advice, total].join('\n')}\n`
}

const oneLine = (text: string): string =>
  text
    .split('\n')
    .map((part) => part.trim())
    .join(' ')

const shownLength = 100

const shortened = (text: string): string => (text.length > shownLength ? `${text.slice(0, shownLength - 3)}...` : text)
