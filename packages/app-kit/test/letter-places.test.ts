import { expect, it } from 'vitest'
import { chooseOpen, describeReplay, summariseLetters, type LetterPlace } from '@sluice/app-kit'
import {
  letterKey,
  selectLetters,
  type DeadLetter,
  type DeadLetters,
  type LetterState,
  type ReplayReport,
} from '@sluice/ingest-core'

const never = new AbortController().signal

function letter(offset: number, code = 'json_bom'): DeadLetter {
  return {
    partition: { clusterId: 'c', topicId: 't', topic: 'events', partition: 0 },
    offset,
    timestamp: 0,
    key: null,
    value: null,
    headers: null,
    schemaId: null,
    stage: 'decode',
    code,
    path: '',
    expected: '',
    attempt: 1,
    pipeline: 'p',
    pipelineVersion: '1',
    firstSeen: 0n,
  }
}

const keyOf = (offset: number): string => letterKey(letter(offset))
const statusOf = (offset: number, state: LetterState, code?: string) => ({
  letter: letter(offset, code),
  state,
  key: keyOf(offset),
})

function place(name: string, states: readonly (readonly [number, LetterState])[]): LetterPlace {
  const all = states.map(([offset, state]) => statusOf(offset, state))
  const letters: Partial<DeadLetters> = { list: (selection = {}) => Promise.resolve(selectLetters(all, selection)) }
  return { name, letters: letters as DeadLetters }
}

it('chooses the same records for all places, and of each what it still has open', async () => {
  const lake = place('lake', [
    [1, 'landed'],
    [2, 'open'],
    [3, 'open'],
  ])
  const warehouse = place('warehouse', [
    [1, 'open'],
    [2, 'open'],
    [3, 'discarded'],
    [9, 'open'],
  ])
  const keysOf = async (limit?: number): Promise<unknown[]> =>
    (await chooseOpen([lake, warehouse], limit === undefined ? {} : { limit }, never)).map(
      ({ selection }) => selection.keys,
    )
  expect(await keysOf()).toEqual([
    [keyOf(2), keyOf(3)],
    [keyOf(1), keyOf(2), keyOf(9)],
  ])
  // Cut once: the limit is about records, not about letters of a place.
  expect(await keysOf(2)).toEqual([[keyOf(2)], [keyOf(1), keyOf(2)]])
})

it('leaves the selection to the only place', async () => {
  const [chosen] = await chooseOpen([place('lake', [])], { code: 'x', limit: 3 }, never)
  expect(chosen!.selection).toEqual({ code: 'x', limit: 3 })
})

it('names the sink only when there are several', () => {
  const lake = { ...statusOf(1, 'open'), place: 'lake' }
  expect(summariseLetters([lake])).not.toContain('sink')
  expect(summariseLetters([lake, { ...lake, place: 'warehouse' }])).toMatch(/warehouse\s+│ events/)
  const skipped = { decided: 0, exhausted: 0, unfixed: 2, wholeBatch: 0 }
  const report: ReplayReport = { dryRun: false, finished: 0, landed: 1, stillBad: [], skipped, files: [] }
  expect(describeReplay('lake', report)).toBe('landed 1, still bad 0, skipped 2, files 0')
  expect(describeReplay('warehouse', { ...report, dryRun: true })).toBe('would land 1, still bad 0, skipped 2')
})
