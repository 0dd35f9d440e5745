import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { GeneratorError } from './errors.ts'
import type { FaultName } from './fault-names.ts'
import type { Expectation } from './simulated-record.ts'
import type { SimulationPosition } from './simulation-position.ts'

/** The truth about one produced record: one line of the ledger. */
export interface LedgerEntry {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly fault?: FaultName
  readonly expect: Expectation
  /** Dead-letter code; present exactly when `expect` is `dead-letter`. */
  readonly code?: string
  /** Event id (the contract's `id` field), or null when the contract has none. */
  readonly id: string | null
  /** First delivery of the same event. */
  readonly duplicateOf?: { readonly partition: number; readonly offset: number }
  /** `hashRow` of the row as it must appear in the lake; present when `expect` is `stored` or `late`. */
  readonly rowHash?: string
}

export interface TopicTotals {
  readonly produced: number
  readonly stored: number
  readonly late: number
  readonly deadLettered: number
  readonly filtered: number
  /** Second deliveries; each is also counted under what must become of it. */
  readonly duplicates: number
  readonly bytes: number
  readonly byFault: Readonly<Record<string, number>>
  readonly byCode: Readonly<Record<string, number>>
  /** Next offset by partition, from the receipts of the output. */
  readonly nextOffsets: readonly number[]
  /** See `LatenessTruth`; lets a later run continue the truth. */
  readonly watermarks: readonly (number | null)[]
}

/** Totals of one `produce` run; `<ledger>.summary.json` beside a ledger file. */
export interface LedgerSummary {
  readonly seed: string
  readonly run: number
  /** Simulated time, ms since epoch. */
  readonly simulatedFrom: number
  readonly simulatedTo: number
  readonly records: number
  readonly topics: Readonly<Record<string, TopicTotals>>
  /** Where to go on: pass the summary as `continueFrom`. */
  readonly position: SimulationPosition
}

/** Takes the truth as it becomes known. `append` resolves when the caller may go on (bounded memory). */
export interface Ledger {
  append(entries: readonly LedgerEntry[]): Promise<void>
  finish(summary: LedgerSummary): Promise<void>
}

export interface MemoryLedger extends Ledger {
  readonly entries: readonly LedgerEntry[]
  readonly summary: LedgerSummary | undefined
}

export function createMemoryLedger(): MemoryLedger {
  const entries: LedgerEntry[] = []
  let summary: LedgerSummary | undefined
  return {
    entries,
    get summary() {
      return summary
    },
    async append(more) {
      for (const entry of more) entries.push(entry)
    },
    async finish(result) {
      summary = result
    },
  }
}

function formatEntry(e: LedgerEntry): string {
  let line = `{"topic":${JSON.stringify(e.topic)},"partition":${e.partition},"offset":${e.offset}`
  if (e.fault !== undefined) line += `,"fault":"${e.fault}"`
  line += `,"expect":"${e.expect}"`
  if (e.code !== undefined) line += `,"code":"${e.code}"`
  line += `,"id":${e.id === null ? 'null' : JSON.stringify(e.id)}`
  if (e.duplicateOf !== undefined) {
    line += `,"duplicateOf":{"partition":${e.duplicateOf.partition},"offset":${e.duplicateOf.offset}}`
  }
  if (e.rowHash !== undefined) line += `,"rowHash":"${e.rowHash}"`
  return line + '}\n'
}

/**
 * A ledger in a JSONL file, appended to when it exists (a continued run). Lines are written after the records they
 * describe were accepted by the output, at most about 256 KiB behind it. `finish` flushes to disk, closes the file and
 * writes `<path>.summary.json` through a rename.
 */
export async function createFileLedger(path: string): Promise<Ledger> {
  await mkdir(dirname(path), { recursive: true })
  const file: FileHandle = await open(path, 'a')
  let text = ''
  async function flush(): Promise<void> {
    const chunk = text
    text = ''
    if (chunk !== '') await file.appendFile(chunk)
  }
  return {
    async append(entries) {
      for (const entry of entries) text += formatEntry(entry)
      if (text.length > 256 * 1024) await flush()
    },
    async finish(summary) {
      await flush()
      await file.sync()
      await file.close()
      const target = ledgerSummaryPath(path)
      await writeFile(`${target}.tmp`, JSON.stringify(summary, null, 2) + '\n')
      await rename(`${target}.tmp`, target)
    },
  }
}

export function ledgerSummaryPath(ledgerPath: string): string {
  return `${ledgerPath}.summary.json`
}

/** Reads a ledger file line by line. @throws GeneratorError LEDGER_CORRUPT naming the line */
export async function* readLedger(path: string): AsyncGenerator<LedgerEntry> {
  let number = 0
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number++
    try {
      yield JSON.parse(line) as LedgerEntry
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause
      throw new GeneratorError('LEDGER_CORRUPT', `ledger ${path}: line ${number} is not JSON`, { cause })
    }
  }
}

/** Reads the summary of the last finished run, `undefined` when there was none. */
export async function readLedgerSummary(ledgerPath: string): Promise<LedgerSummary | undefined> {
  const path = ledgerSummaryPath(ledgerPath)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as LedgerSummary
  } catch (cause) {
    throw new GeneratorError('LEDGER_CORRUPT', `ledger summary ${path} is not JSON`, { cause })
  }
}
