import { beforeAll, describe, expect, it } from 'vitest'
import { auditLake, violationCodes, type Evidence, type ViolationCode } from '../src/auditor.ts'
import type { DoneRecord } from '../src/chain-reading.ts'
import { sha256Of } from '../src/lake-view.ts'
import { partitions } from '../src/schedule.ts'
import { copyOf, landSmallLake, type DamagedLake, type SmallLake } from './small-lake.ts'

let lake: SmallLake

beforeAll(async () => {
  lake = await landSmallLake('jsonl')
})

const evidenceOf = (of: SmallLake, { view }: DamagedLake): Evidence => ({
  contract: of.contract,
  partitions,
  truth: of.truth,
  view,
  samples: [],
  receipts: of.receipts,
})

/** The distinct codes that an audit of the damaged lake gives, sorted. */
async function codesAfter(
  damage: (lake: DamagedLake) => void,
  more: Partial<Evidence> = {},
): Promise<readonly ViolationCode[]> {
  const damaged = copyOf(lake)
  damage(damaged)
  const { violations } = await auditLake({ ...evidenceOf(lake, damaged), ...more })
  return [...new Set(violations.map(({ code }) => code))].sort()
}

type Done = { -readonly [name in keyof Omit<DoneRecord, 'key' | 'partition'>]: DoneRecord[name] }

const keysOf = ({ bodies }: DamagedLake, pattern: RegExp): string[] =>
  [...bodies.keys()].filter((key) => pattern.test(key)).sort()
const text = (lake: DamagedLake, key: string): string => Buffer.from(lake.bodies.get(key)!).toString('utf8')

/** Rewrites a done flush. */
function editDone(lake: DamagedLake, key: string, edit: (done: Done) => void): void {
  const done = JSON.parse(text(lake, key)) as Done
  edit(done)
  lake.bodies.set(key, Buffer.from(JSON.stringify(done)))
}

/** Rewrites the lines of a file, and makes the flush that names it agree with the new bytes. */
function editLines(lake: DamagedLake, key: string, edit: (lines: string[]) => string[]): void {
  const lines = edit(text(lake, key).split('\n').slice(0, -1))
  const body = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  lake.bodies.set(key, body)
  for (const done of keysOf(lake, /\.done$/)) {
    editDone(lake, done, (record) => {
      record.files = record.files.map((file) =>
        file.key === key ? { ...file, rows: lines.length, bytes: body.length, sha256: sha256Of(body) } : file,
      )
    })
  }
}

const first = (lake: DamagedLake, pattern: RegExp): string => keysOf(lake, pattern)[0]!

describe('the auditor', () => {
  it.each(['jsonl', 'parquet'] as const)('finds nothing in a good lake of %s, and every outcome', async (format) => {
    const good = format === 'jsonl' ? lake : await landSmallLake(format)
    const { violations, outcomes, flushes, files } = await auditLake(evidenceOf(good, copyOf(good)))
    expect(violations).toEqual([])
    expect(Object.values(outcomes).every((count) => count > 0)).toBe(true)
    expect(outcomes.stored + outcomes.late + outcomes.deadLettered + outcomes.filtered).toBe(600)
    expect(flushes).toBeGreaterThan(partitions)
    expect(files).toBeGreaterThan(flushes)
  })

  const damages: Record<string, [damage: (lake: DamagedLake) => void, codes: ViolationCode[]]> = {
    'an object that was written again with the same bytes': [
      (damaged) =>
        damaged.versions.set(first(damaged, /^data\//), [
          { id: 'one', deleted: false },
          { id: 'two', deleted: false },
        ]),
      ['OVERWRITTEN'],
    ],
    'an object that was overwritten with other bytes': [
      (damaged) => {
        const key = first(damaged, /^data\//)
        damaged.versions.set(key, [
          { id: 'one', deleted: false },
          { id: 'two', deleted: false },
        ])
        damaged.bodies.set(key, Buffer.from(text(damaged, key).replace(/"session_id":"/, '"session_id":"x')))
      },
      ['OBJECT_CHANGED', 'OVERWRITTEN', 'WRONG_CONTENT'],
    ],
    'an object that was deleted': [
      (damaged) =>
        damaged.versions.set(first(damaged, /^data\//), [
          { id: 'one', deleted: false },
          { id: 'two', deleted: true },
        ]),
      ['DELETED', 'LOST', 'OBJECT_MISSING'],
    ],
    'a lost object': [(damaged) => damaged.bodies.delete(first(damaged, /^data\//)), ['LOST', 'OBJECT_MISSING']],
    'an object twice, under another name': [
      (damaged) => damaged.bodies.set('data/copy.jsonl', damaged.bodies.get(first(damaged, /^data\//))!),
      ['OBJECT_STRAY'],
    ],
    'an object twice, named by a later commit': [
      (damaged) => {
        const [done, later] = keysOf(damaged, /\/0\/\d+\.done$/)
        const { files } = JSON.parse(text(damaged, done!)) as Done
        editDone(damaged, later!, (record) => (record.files = [...record.files, files[0]!]))
      },
      ['DOUBLED', 'INVENTED'],
    ],
    'a row twice in its file': [
      (damaged) => editLines(damaged, first(damaged, /^data\//), (lines) => [...lines, lines[0]!]),
      ['DOUBLED'],
    ],
    'a row that is missing in its file': [
      (damaged) => editLines(damaged, first(damaged, /^data\//), (lines) => lines.slice(1)),
      ['LOST'],
    ],
    'a row of another content': [
      (damaged) =>
        editLines(damaged, first(damaged, /^data\//), (lines) =>
          lines.map((line) => line.replace('"user_id":"', '"user_id":"x')),
        ),
      ['WRONG_CONTENT'],
    ],
    'a row that nobody produced': [
      (damaged) =>
        editLines(damaged, first(damaged, /^data\//), (lines) => [
          ...lines,
          lines[0]!.replace(/"_offset":"?\d+"?/, '"_offset":999999'),
        ]),
      ['INVENTED'],
    ],
    'a late row among the others': [
      (damaged) => {
        const late = first(damaged, /^late\//)
        for (const done of keysOf(damaged, /\.done$/)) {
          editDone(damaged, done, (record) => {
            record.files = record.files.map((file) => (file.key === late ? { ...file, kind: 'data' } : file))
          })
        }
      },
      ['WRONG_OUTCOME'],
    ],
    'a dead letter with another code': [
      (damaged) =>
        editLines(damaged, first(damaged, /^dead\//), (lines) =>
          lines.map((line) => line.replace(/"code":"[^"]*"/, '"code":"other"')),
        ),
      ['WRONG_CODE'],
    ],
    'a dead letter with other bytes': [
      (damaged) =>
        editLines(damaged, first(damaged, /^dead\//), (lines) =>
          lines.map((line) => line.replace(/"value":"[^"]*"/, '"value":"AAAA"')),
        ),
      ['WRONG_CONTENT'],
    ],
    'a file with more rows than its commit says': [
      (damaged) =>
        editDone(damaged, first(damaged, /\.done$/), (record) => {
          record.files = record.files.map((file, i) => (i === 0 ? { ...file, rows: file.rows - 1 } : file))
        }),
      ['COUNTS_WRONG'],
    ],
    'counts that do not add up': [
      (damaged) =>
        editDone(damaged, first(damaged, /\.done$/), (record) => {
          record.counts = { ...record.counts, stored: record.counts.stored + 1 }
        }),
      ['COUNTS_WRONG', 'RECEIPT_DIFFERS'],
    ],
    'a commit that is missing in the middle': [
      (damaged) => damaged.bodies.delete(keysOf(damaged, /\/0\/\d+\.done$/)[1]!),
      ['CHAIN_BROKEN', 'COUNTS_WRONG', 'LOST', 'OBJECT_STRAY', 'RECEIPT_DIFFERS', 'UNFINISHED'],
    ],
    'a commit without its plan': [(damaged) => damaged.bodies.delete(first(damaged, /\.plan$/)), ['CHAIN_BROKEN']],
  }

  it.each(Object.keys(damages))('turns red for %s', async (name) => {
    const [damage, codes] = damages[name]!
    expect(await codesAfter(damage)).toEqual(codes)
  })

  it('turns red for a record that was produced and is nowhere', async () => {
    const last = lake.truth.filter(({ partition }) => partition === 0).at(-1)!
    const one = { ...last, offset: last.offset + 1, expect: 'stored', duplicate: false } as const
    expect(await codesAfter(() => undefined, { truth: [...lake.truth, one] })).toEqual([
      'COUNTS_WRONG',
      'LOST',
      'UNFINISHED',
    ])
  })

  it('turns red for a record that should have been filtered', async () => {
    const at = lake.truth.findIndex(({ expect: wanted }) => wanted === 'stored')
    const truth = lake.truth.map((record, i) => (i === at ? ({ ...record, expect: 'filtered' } as const) : record))
    expect(await codesAfter(() => undefined, { truth })).toEqual(['COUNTS_WRONG', 'WRONG_OUTCOME'])
  })

  it('turns red for progress that fell, and for a group that is ahead of the chain', async () => {
    const samples = (...of: Evidence['samples']) => codesAfter(() => undefined, { samples: of })
    expect(await samples({ next: [5, 0, 0] }, { next: [5, 3, 0], committed: [5, 3, 0] })).toEqual([])
    expect(await samples({ next: [5, 0, 0] }, { next: [4, 3, 0] })).toEqual(['PROGRESS_FELL'])
    expect(await samples({ next: [5, 0, 0], committed: [6, 0, 0] })).toEqual(['COMMITTED_TOO_FAR'])
  })

  it('turns red for a worker that said something else', async () => {
    const [receipt] = lake.receipts
    const receipts = [{ ...receipt!, end: receipt!.end + 1 }]
    expect(await codesAfter(() => undefined, { receipts })).toEqual(['RECEIPT_DIFFERS'])
  })

  it('has been seen to give every code that is its own', () => {
    const byRun: readonly ViolationCode[] = ['PRODUCT_AUDIT', 'HALTED', 'EXIT', 'STUCK']
    const seen = new Set([
      ...Object.values(damages).flatMap(([, codes]) => codes),
      'PROGRESS_FELL',
      'COMMITTED_TOO_FAR',
    ] as ViolationCode[])
    expect([...seen, ...byRun].sort()).toEqual([...violationCodes].sort())
  })
})
