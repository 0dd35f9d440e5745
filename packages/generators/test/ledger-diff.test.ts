import { expect, it } from 'vitest'
import { diffLedger, type LedgerDiff, type LedgerEntry, type Outcome } from '../src/index.ts'

const hash = (n: number) => n.toString(16).padStart(16, 'a')
const place = { topic: 't', partition: 0 }
const stored = (offset: number, rowHash = hash(offset)): Outcome => ({
  ...place,
  offset,
  outcome: 'stored',
  code: null,
  rowHash,
})
const letter = (offset: number, code: string): Outcome => ({
  ...place,
  offset,
  outcome: 'dead-letter',
  code,
  rowHash: null,
})

/** Offsets 0 and 1 stored, 2 dead-lettered, 3 late, 4 filtered, 5 beyond the sink's progress. */
const truth: LedgerEntry[] = (
  [
    { offset: 0, expect: 'stored', rowHash: hash(0) },
    { offset: 1, expect: 'stored', rowHash: hash(1) },
    { offset: 2, expect: 'dead-letter', code: 'truncated' },
    { offset: 3, expect: 'late', rowHash: hash(3) },
    { offset: 4, expect: 'filtered' },
    { offset: 5, expect: 'stored', rowHash: hash(5) },
  ] as const
).map((entry) => ({ ...place, id: null, ...entry }))
const right: Outcome[] = [stored(0), stored(1), letter(2, 'truncated'), { ...stored(3), outcome: 'late' }]

const diff = (outcomes: readonly Outcome[]): Promise<LedgerDiff> =>
  diffLedger({ ledger: truth, outcomes, reached: [{ ...place, next: 5 }] })

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
  ['unexpected', [...right, stored(50_000)], '0@50000'],
  ['outcome', [stored(0), stored(1), letter(2, 'truncated'), stored(3)], '0@3'],
  ['code', [stored(0), stored(1), letter(2, 'utf8_invalid'), right[3]!], '0@2'],
  ['content', [stored(0, hash(77)), ...right.slice(1)], '0@0'],
  ['content', [{ ...stored(0), rowHash: null }, ...right.slice(1)], '0@0'],
] as const)('names a record that is %s', async (kind, outcomes, at) => {
  expect(await kinds(outcomes)).toEqual([{ kind, count: 1, at }])
})

it('does not take a record that landed before its progress for a difference in disguise', async () => {
  expect(await kinds([...right, stored(5)])).toEqual([{ kind: 'unexpected', count: 1, at: '0@5' }])
})

it('takes a partition nobody committed for pending, and one nobody produced for unexpected', async () => {
  const { compared, pending, differences } = await diffLedger({ ledger: truth, outcomes: [], reached: [] })
  expect({ compared, pending, differences }).toEqual({ compared: 0, pending: 6, differences: [] })
  const other = await diffLedger({
    ledger: truth,
    outcomes: [...right, { ...stored(0), partition: 7 }],
    reached: [{ ...place, next: 5 }],
  })
  expect(other.differences).toEqual([
    { kind: 'unexpected', topic: 't', count: 1, example: '7@0: expected nothing, found stored' },
  ])
})

it('counts by kind and topic, and says what was expected and found at the first place', async () => {
  async function* ledger() {
    for (const topic of ['b', 'a']) {
      for (let offset = 8000; offset < 8300; offset++) {
        yield { topic, partition: 1, offset, expect: 'dead-letter', code: 'enum_index', id: null } as const
      }
    }
  }
  async function* outcomes() {
    for (let offset = 8100; offset < 8300; offset++)
      yield { ...letter(offset, 'enum_symbol'), topic: 'a', partition: 1 }
  }
  const reached = ['a', 'b'].map((topic) => ({ topic, partition: 1, next: 9000 }))
  expect((await diffLedger({ ledger: ledger(), outcomes: outcomes(), reached })).differences).toEqual([
    { kind: 'missing', topic: 'a', count: 100, example: '1@8000: expected dead-letter enum_index, found nothing' },
    { kind: 'missing', topic: 'b', count: 300, example: '1@8000: expected dead-letter enum_index, found nothing' },
    {
      kind: 'code',
      topic: 'a',
      count: 200,
      example: '1@8100: expected dead-letter enum_index, found dead-letter enum_symbol',
    },
  ])
})

it('refuses a hash that is none', async () => {
  await expect(diff([stored(0, 'h0')])).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
})
