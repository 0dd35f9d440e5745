import { GeneratorError } from './errors.ts'
import type { LedgerEntry } from './ledger.ts'
import type { Expectation } from './simulated-record.ts'

/** What became of one record, as found where the pipeline put it. */
export interface Outcome {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly outcome: 'stored' | 'late' | 'dead-letter'
  /** Dead-letter code, else null. */
  readonly code: string | null
  /** `hashRow` of the row as it was found, null for a dead letter. */
  readonly rowHash: string | null
}

/** Next offset of each partition the sink has made durable; records at or above it are pending, not missing. */
export interface Reached {
  readonly topic: string
  readonly partition: number
  readonly next: number
}

export const differenceKinds = ['missing', 'unexpected', 'repeated', 'outcome', 'code', 'content'] as const
export type DifferenceKind = (typeof differenceKinds)[number]

export interface Difference {
  readonly kind: DifferenceKind
  readonly topic: string
  readonly count: number
  /** First place where it shows, `partition@offset`, with what was expected and found. */
  readonly example: string
}

export interface LedgerDiff {
  readonly compared: number
  /** Produced, but beyond what the sink has made durable. */
  readonly pending: number
  /** By topic and kind; empty when the pipeline did what the ledger says. */
  readonly differences: readonly Difference[]
}

export interface LedgerDiffOptions {
  readonly ledger: Iterable<LedgerEntry> | AsyncIterable<LedgerEntry>
  readonly outcomes: Iterable<Outcome> | AsyncIterable<Outcome>
  readonly reached: readonly Reached[]
}

const pageRecords = 4096
const states: readonly (Expectation | Outcome['outcome'] | 'nothing')[] = [
  'nothing',
  'stored',
  'late',
  'dead-letter',
  'filtered',
]
const FILTERED = states.indexOf('filtered')

/** What is expected and found of consecutive offsets of one partition, about 28 bytes for each. */
interface Page {
  readonly expected: Uint8Array
  readonly expectedCode: Uint16Array
  readonly expectedHash: Uint32Array
  readonly found: Uint8Array
  readonly foundCode: Uint16Array
  readonly foundHash: Uint32Array
  /** How often a record was found; 2 is "more than once". */
  readonly times: Uint8Array
}

function newPage(): Page {
  return {
    expected: new Uint8Array(pageRecords),
    expectedCode: new Uint16Array(pageRecords),
    expectedHash: new Uint32Array(2 * pageRecords),
    found: new Uint8Array(pageRecords),
    foundCode: new Uint16Array(pageRecords),
    foundHash: new Uint32Array(2 * pageRecords),
    times: new Uint8Array(pageRecords),
  }
}

interface PartitionTable {
  readonly topic: string
  readonly partition: number
  readonly next: number
  /** By offset divided by `pageRecords`, so that holes and high first offsets cost nothing. */
  readonly pages: Map<number, Page>
}

/** Numbers for the few texts that codes are; 0 is "none". */
function createCodeTable() {
  const texts: string[] = ['']
  const numbers = new Map<string, number>([['', 0]])
  return {
    texts,
    numberOf(code: string | null | undefined): number {
      const text = code ?? ''
      let number = numbers.get(text)
      if (number === undefined) {
        number = texts.push(text) - 1
        numbers.set(text, number)
      }
      return number
    },
  }
}

/** Puts 16 hex digits into two words; no hash is two zeros. */
function putHash(words: Uint32Array, at: number, hash: string | null | undefined): void {
  if (hash === null || hash === undefined) return
  if (!/^[0-9a-f]{16}$/.test(hash)) throw new GeneratorError('LEDGER_CORRUPT', 'a row hash is not 16 hex digits')
  words[at] = Number.parseInt(hash.slice(0, 8), 16)
  words[at + 1] = Number.parseInt(hash.slice(8), 16)
}

/**
 * Holds what a pipeline made of the records against the ledger, record by record: each one below the sink's progress must
 * be found exactly once with the outcome, code and row hash that the ledger states; a `filtered` one not at all. Memory
 * is about 28 bytes for each record compared.
 * @throws {GeneratorError} LEDGER_CORRUPT for a row hash that is none
 */
export async function diffLedger(options: LedgerDiffOptions): Promise<LedgerDiff> {
  const tables = new Map<string, PartitionTable>()
  const codes = createCodeTable()
  let compared = 0
  let pending = 0

  function tableOf(topic: string, partition: number): PartitionTable {
    const name = `${partition}/${topic}`
    let table = tables.get(name)
    if (table === undefined) tables.set(name, (table = { topic, partition, next: 0, pages: new Map() }))
    return table
  }

  function pageOf(table: PartitionTable, offset: number): Page {
    const number = Math.floor(offset / pageRecords)
    let page = table.pages.get(number)
    if (page === undefined) table.pages.set(number, (page = newPage()))
    return page
  }

  for (const { topic, partition, next } of options.reached) {
    tables.set(`${partition}/${topic}`, { topic, partition, next, pages: new Map() })
  }
  for await (const { topic, partition, offset, expect, code, rowHash } of options.ledger) {
    const table = tableOf(topic, partition)
    if (offset >= table.next) {
      pending++
      continue
    }
    compared++
    const page = pageOf(table, offset)
    const at = offset % pageRecords
    page.expected[at] = states.indexOf(expect)
    page.expectedCode[at] = codes.numberOf(code)
    putHash(page.expectedHash, 2 * at, rowHash)
  }
  for await (const { topic, partition, offset, outcome, code, rowHash } of options.outcomes) {
    const page = pageOf(tableOf(topic, partition), offset)
    const at = offset % pageRecords
    page.times[at] = Math.min(2, page.times[at]! + 1)
    page.found[at] = states.indexOf(outcome)
    page.foundCode[at] = codes.numberOf(code)
    putHash(page.foundHash, 2 * at, rowHash)
  }

  const found = new Map<string, { kind: DifferenceKind; topic: string; count: number; at: number[]; example: string }>()
  for (const { topic, partition, pages } of tables.values()) {
    for (const [number, page] of pages) {
      for (let at = 0; at < pageRecords; at++) {
        const kind = differenceOf(page, at)
        if (kind === undefined) continue
        const place = [partition, number * pageRecords + at]
        const example = `${place.join('@')}: expected ${textOf(page.expected[at]!, page.expectedCode[at]!)}, found ${textOf(page.found[at]!, page.foundCode[at]!)}`
        const before = found.get(`${kind}/${topic}`)
        if (before === undefined) found.set(`${kind}/${topic}`, { kind, topic, count: 1, at: place, example })
        else {
          before.count++
          if (place[0]! < before.at[0]! || (place[0] === before.at[0] && place[1]! < before.at[1]!)) {
            before.at = place
            before.example = example
          }
        }
      }
    }
  }

  function textOf(state: number, code: number): string {
    const text = states[state]!
    return code === 0 ? text : `${text} ${codes.texts[code]!}`
  }

  const differences = [...found.values()]
    .sort((a, b) => differenceKinds.indexOf(a.kind) - differenceKinds.indexOf(b.kind) || (a.topic < b.topic ? -1 : 1))
    .map(({ kind, topic, count, example }) => ({ kind, topic, count, example }))
  return { compared, pending, differences }
}

/** What is wrong with the record at a place of a page; `undefined` when it is as the ledger says, or no record. */
function differenceOf(page: Page, at: number): DifferenceKind | undefined {
  const expected = page.expected[at]!
  const times = page.times[at]!
  if (expected === 0 || expected === FILTERED) return times > 0 ? 'unexpected' : undefined
  if (times === 0) return 'missing'
  if (times > 1) return 'repeated'
  if (page.found[at] !== expected) return 'outcome'
  if (page.foundCode[at] !== page.expectedCode[at]) return 'code'
  const same =
    page.expectedHash[2 * at] === page.foundHash[2 * at] && page.expectedHash[2 * at + 1] === page.foundHash[2 * at + 1]
  return same ? undefined : 'content'
}
