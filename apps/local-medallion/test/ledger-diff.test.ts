import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { diffLedger, type LedgerDiff, type Outcome } from '../src/ledger-diff.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-diff-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const stored = (offset: number, rowHash = `h${offset}`): Outcome => ({
  topic: 't',
  partition: 0,
  offset,
  outcome: 'stored',
  code: null,
  rowHash,
})
const letter = (offset: number, code: string): Outcome => ({
  topic: 't',
  partition: 0,
  offset,
  outcome: 'dead-letter',
  code,
  rowHash: null,
})

/** Offsets 0 and 1 stored, 2 dead-lettered, 3 late, 4 filtered, 5 beyond the sink's progress. */
const truth = [
  { offset: 0, expect: 'stored', rowHash: 'h0' },
  { offset: 1, expect: 'stored', rowHash: 'h1' },
  { offset: 2, expect: 'dead-letter', code: 'truncated' },
  { offset: 3, expect: 'late', rowHash: 'h3' },
  { offset: 4, expect: 'filtered' },
  { offset: 5, expect: 'stored', rowHash: 'h5' },
]
const right: Outcome[] = [stored(0), stored(1), letter(2, 'truncated'), { ...stored(3), outcome: 'late' }]

async function diff(outcomes: readonly Outcome[]): Promise<LedgerDiff> {
  const file = join(folder, 'ledger.jsonl')
  await writeFile(
    file,
    truth.map((line) => `${JSON.stringify({ topic: 't', partition: 0, id: null, ...line })}\n`).join(''),
  )
  const connection = await (await DuckDBInstance.create()).connect()
  async function* found() {
    yield* outcomes
  }
  return diffLedger(connection, file, found(), [{ topic: 't', partition: 0, next: 5 }])
}

const kinds = async (outcomes: readonly Outcome[]) =>
  (await diff(outcomes)).differences.map(({ kind, count, example }) => ({ kind, count, at: example.split(':')[0] }))

it('finds nothing when every record is where the ledger says', async () => {
  expect(await diff(right)).toEqual({ compared: 5, pending: 1, differences: [] })
})

it.each([
  ['missing', right.slice(1), '0@0'],
  ['repeated', [...right, stored(1)], '0@1'],
  ['unexpected', [...right, stored(4)], '0@4'],
  ['unexpected', [...right, stored(9)], '0@9'],
  ['outcome', [stored(0), stored(1), letter(2, 'truncated'), stored(3)], '0@3'],
  ['code', [stored(0), stored(1), letter(2, 'utf8_invalid'), right[3]!], '0@2'],
  ['content', [stored(0, 'other'), ...right.slice(1)], '0@0'],
] as const)('names a record that is %s', async (kind, outcomes, at) => {
  expect(await kinds(outcomes)).toEqual([{ kind, count: 1, at }])
})

it('does not take a record that landed before its progress for a difference in disguise', async () => {
  expect(await kinds([...right, stored(5)])).toEqual([{ kind: 'unexpected', count: 1, at: '0@5' }])
})
