import type { Counts } from '@sluice/ingest-core'
import type { Contract } from '@sluice/schemas'
import { chainKey, readDone, type DoneRecord } from './chain-reading.ts'
import { sha256Of, type LakeView, type StoredObject } from './lake-view.ts'
import { readLetters, rowReader, type FoundRecord } from './lake-rows.ts'
import type { TruthRecord } from './truth.ts'

/** What can be wrong; the meaning of each is in the README. */
export const violationCodes = [
  'LOST',
  'DOUBLED',
  'INVENTED',
  'WRONG_OUTCOME',
  'WRONG_CODE',
  'WRONG_CONTENT',
  'OVERWRITTEN',
  'DELETED',
  'CHAIN_BROKEN',
  'OBJECT_MISSING',
  'OBJECT_CHANGED',
  'OBJECT_STRAY',
  'COUNTS_WRONG',
  'PROGRESS_FELL',
  'COMMITTED_TOO_FAR',
  'RECEIPT_DIFFERS',
  'UNFINISHED',
  'PRODUCT_AUDIT',
  'HALTED',
  'EXIT',
  'STUCK',
] as const

export type ViolationCode = (typeof violationCodes)[number]

export interface Violation {
  readonly code: ViolationCode
  readonly text: string
}

/** Progress as it was seen at one moment of the run: `committed` (the group's offsets) was asked for before `next` was. */
export interface ProgressSample {
  readonly next: readonly number[]
  readonly committed?: readonly number[]
}

/** What a worker said about one commit. */
export interface SeenReceipt {
  readonly partition: number
  readonly start: number
  readonly end: number
  readonly counts: Counts
}

export interface Evidence {
  readonly contract: Pick<Contract, 'schema'>
  readonly partitions: number
  /** Every record that was produced, by partition and offset. */
  readonly truth: readonly TruthRecord[]
  readonly view: LakeView
  readonly samples: readonly ProgressSample[]
  readonly receipts: readonly SeenReceipt[]
}

export interface Audit {
  readonly violations: readonly Violation[]
  readonly flushes: number
  readonly files: number
  /** Records by what became of them. `duplicates` are second deliveries among the others: stored twice by design, at two offsets. */
  readonly outcomes: Readonly<Record<'stored' | 'late' | 'deadLettered' | 'filtered' | 'duplicates', number>>
}

type Outcome = 'stored' | 'late' | 'dead-letter'

const outcomeOf = { data: 'stored', late: 'late', dead: 'dead-letter' } as const satisfies Record<string, Outcome>

/**
 * Holds a lake that came to rest against what was produced: stored, late, dead-lettered and filtered records are disjoint and
 * together everything below the end, each exactly once and with the right content; every object was written once; progress
 * never fell; what workers said agrees with what is there. Reads the lake by its own code.
 */
export async function auditLake(evidence: Evidence): Promise<Audit> {
  const { contract, partitions, truth, view, samples, receipts } = evidence
  const violations: Violation[] = []
  const report = (code: ViolationCode, text: string): void => void violations.push({ code, text })

  const objects = await view.objects()
  for (const { key, versions } of objects) {
    const written = versions.filter(({ deleted }) => !deleted)
    if (written.length > 1) report('OVERWRITTEN', `${key}: written ${written.length} times`)
    if (written.length < versions.length) report('DELETED', `${key}: was deleted`)
  }
  const present = new Map(
    objects.filter(({ versions }) => !versions.some(({ deleted }) => deleted)).map((o) => [o.key, o]),
  )

  const ends = Array.from({ length: partitions }, (_, p) => truth.filter(({ partition }) => partition === p).length)
  const chain = await walkChain(view, present, ends, report)
  const found = new Map<string, { readonly outcome: Outcome; readonly record: FoundRecord }[]>()
  const readRows = rowReader(contract)
  const named = new Set<string>()
  for (const done of chain) {
    for (const file of done.files) {
      if (named.has(file.key)) report('DOUBLED', `${file.key}: two commits name it`)
      named.add(file.key)
      if (!present.has(file.key)) {
        report('OBJECT_MISSING', `${file.key}: ${done.key} names it`)
        continue
      }
      const body = await view.read(file.key)
      if (sha256Of(body) !== file.sha256)
        report('OBJECT_CHANGED', `${file.key}: has another digest than ${done.key} says`)
      const records = file.kind === 'dead' ? await readLetters(body, sha256Of) : await readRows(file.key, body)
      if (records.length !== file.rows)
        report('COUNTS_WRONG', `${file.key}: ${records.length} rows, ${done.key} says ${file.rows}`)
      for (const record of records) {
        const place = placeOf(record)
        const others = found.get(place)
        const one = { outcome: outcomeOf[file.kind], record }
        if (others === undefined) found.set(place, [one])
        else others.push(one)
        if (record.partition !== done.partition || record.offset < done.start || record.offset >= done.end)
          report('INVENTED', `${file.key}: holds ${place}, which is not of [${done.start}, ${done.end})`)
      }
    }
  }
  for (const key of present.keys()) {
    if (!key.startsWith('_ingest/') && !named.has(key)) report('OBJECT_STRAY', `${key}: no commit names it`)
  }

  const outcomes = { stored: 0, late: 0, deadLettered: 0, filtered: 0, duplicates: 0 }
  for (const record of truth) {
    compare(record, found.get(placeOf(record)) ?? [], report)
    found.delete(placeOf(record))
    outcomes[record.expect === 'dead-letter' ? 'deadLettered' : record.expect] += 1
    if (record.duplicate) outcomes.duplicates += 1
  }
  for (const [place, records] of found)
    report('INVENTED', `${place}: nobody produced it, found ${records.length} times`)

  for (const name of ['stored', 'late', 'deadLettered', 'filtered'] as const) {
    const said = chain.reduce((sum, { counts }) => sum + counts[name], 0)
    if (said !== outcomes[name]) report('COUNTS_WRONG', `${name}: commits say ${said}, produced were ${outcomes[name]}`)
  }
  checkSamples(samples, report)
  checkReceipts(receipts, chain, report)
  return { violations, flushes: chain.length, files: named.size, outcomes }
}

const placeOf = ({ partition, offset }: { readonly partition: number; readonly offset: number }): string =>
  `${partition}@${offset}`

type Report = (code: ViolationCode, text: string) => void

function compare(
  truth: TruthRecord,
  found: readonly { readonly outcome: Outcome; readonly record: FoundRecord }[],
  report: Report,
): void {
  const place = placeOf(truth)
  if (truth.expect === 'filtered') {
    if (found.length > 0) report('WRONG_OUTCOME', `${place}: should be filtered, is ${found[0]!.outcome}`)
    return
  }
  if (found.length === 0) return report('LOST', `${place}: should be ${truth.expect}, is nowhere`)
  if (found.length > 1)
    report('DOUBLED', `${place}: found ${found.length} times, as ${found.map((f) => f.outcome).join(', ')}`)
  const { outcome, record } = found[0]!
  if (outcome !== truth.expect) return report('WRONG_OUTCOME', `${place}: should be ${truth.expect}, is ${outcome}`)
  if (record.code !== truth.code) report('WRONG_CODE', `${place}: should have code ${truth.code}, has ${record.code}`)
  const content = outcome === 'dead-letter' ? truth.valueSha256 : truth.rowHash
  if (record.content !== content) report('WRONG_CONTENT', `${place}: is not what was produced`)
}

/** From offset 0 along the ends; every done that is there must be met, and every partition must reach its end. */
async function walkChain(
  view: LakeView,
  present: ReadonlyMap<string, StoredObject>,
  ends: readonly number[],
  report: Report,
): Promise<DoneRecord[]> {
  const dones = ends.map(() => new Map<number, DoneRecord>())
  const plans = ends.map(() => new Set<number>())
  for (const key of present.keys()) {
    const found = chainKey(key)
    if (found?.kind === 'plan') plans[found.partition]?.add(found.start)
    if (found?.kind === 'done') dones[found.partition]?.set(found.start, await readDone(view, key))
  }
  const chain: DoneRecord[] = []
  ends.forEach((end, partition) => {
    let next = 0
    for (let done = dones[partition]!.get(next); done !== undefined; done = dones[partition]!.get(next)) {
      dones[partition]!.delete(next)
      if (!plans[partition]!.delete(next)) report('CHAIN_BROKEN', `${done.key}: has no plan`)
      const { consumed, stored, late, filtered, deadLettered } = done.counts
      if (consumed !== stored + late + filtered + deadLettered || consumed !== done.end - done.start)
        report('COUNTS_WRONG', `${done.key}: ${consumed} consumed of [${done.start}, ${done.end}) do not add up`)
      chain.push(done)
      if (done.end <= next) return report('CHAIN_BROKEN', `${done.key}: ends at ${done.end}`)
      next = done.end
    }
    if (next !== end) report('UNFINISHED', `partition ${partition}: the chain ends at ${next}, the log at ${end}`)
    for (const { key } of dones[partition]!.values()) report('CHAIN_BROKEN', `${key}: no commit leads to it`)
    for (const start of plans[partition]!)
      report('CHAIN_BROKEN', `partition ${partition}: plan at ${start} leads nowhere`)
  })
  return chain
}

function checkSamples(samples: readonly ProgressSample[], report: Report): void {
  let before: ProgressSample | undefined
  for (const sample of samples) {
    sample.next.forEach((next, partition) => {
      const last = before?.next[partition] ?? 0
      if (next < last) report('PROGRESS_FELL', `partition ${partition}: from ${last} to ${next}`)
      const committed = sample.committed?.[partition] ?? 0
      if (committed > next)
        report('COMMITTED_TOO_FAR', `partition ${partition}: the group is at ${committed}, the chain at ${next}`)
    })
    before = sample
  }
}

/** Two workers may both have carried out one plan: then they said the same. */
function checkReceipts(receipts: readonly SeenReceipt[], chain: readonly DoneRecord[], report: Report): void {
  const byStart = new Map(chain.map((done) => [`${done.partition}@${done.start}`, done]))
  for (const { partition, start, end, counts } of receipts) {
    const done = byStart.get(`${partition}@${start}`)
    const { duplicate, consumed, ...rest } = counts
    const same =
      done !== undefined &&
      done.end === end &&
      consumed === done.counts.consumed + duplicate &&
      Object.entries(rest).every(([name, count]) => done.counts[name as keyof DoneRecord['counts']] === count)
    if (!same)
      report(
        'RECEIPT_DIFFERS',
        `partition ${partition}: a worker committed [${start}, ${end}), the chain does not say so`,
      )
  }
}
