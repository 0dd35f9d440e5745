import type { PartitionId } from '../contracts/records.ts'
import type { RejectStage } from '../contracts/sink.ts'

export const rejectStages: readonly RejectStage[] = ['envelope', 'schema', 'decode', 'rule', 'sink']

/** A dead letter as it lies in the lake: the fields of `contracts/sluice/DeadLetter`, in our spelling. */
export interface DeadLetter {
  readonly partition: PartitionId
  readonly offset: number
  /** ms since epoch, or -1. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Uint8Array | null
  readonly schemaId: number | null
  readonly stage: RejectStage
  readonly code: string
  readonly path: string
  readonly expected: string
  /** How often it was tried, from 1. */
  readonly attempt: number
  readonly pipeline: string
  readonly pipelineVersion: string
  /** When it was first refused, µs since epoch. */
  readonly firstSeen: bigint
}

/** `open`: waits for a decision. `landed`: a replay made it a row. `discarded`: somebody decided it is not wanted. */
export type LetterState = 'open' | 'landed' | 'discarded'

export interface LetterStatus {
  readonly letter: DeadLetter
  readonly state: LetterState
  /** Names the letter; the same record refused by the same pipeline has the same key for ever. */
  readonly key: string
}

/** Dedupe key: cluster, topic id, partition, offset, pipeline (RELIABILITY 4). Names and headers are never trusted for it. */
export function letterKey(letter: Pick<DeadLetter, 'partition' | 'offset' | 'pipeline'>): string {
  const { clusterId, topicId, partition } = letter.partition
  return [clusterId, topicId, String(partition), String(letter.offset), letter.pipeline]
    .map(encodeURIComponent)
    .join('/')
}

/** Which letters an operation is about; all parts given must hold. */
export interface LetterSelection {
  readonly topic?: string
  readonly code?: string
  /** First refused at this time or later, ms since epoch. */
  readonly since?: number
  readonly keys?: readonly string[]
  /** At most this many, in the order of topic, partition and offset. */
  readonly limit?: number
}

/** Letters of the selection in the order of topic, partition and offset. */
export function selectLetters(letters: Iterable<LetterStatus>, selection: LetterSelection): LetterStatus[] {
  const keys = selection.keys === undefined ? undefined : new Set(selection.keys)
  const chosen = [...letters].filter(
    ({ letter, key }) =>
      (selection.topic === undefined || letter.partition.topic === selection.topic) &&
      (selection.code === undefined || letter.code === selection.code) &&
      (selection.since === undefined || letter.firstSeen >= BigInt(selection.since) * 1000n) &&
      (keys === undefined || keys.has(key)),
  )
  chosen.sort(({ letter: a }, { letter: b }) => {
    if (a.partition.topic !== b.partition.topic) return a.partition.topic < b.partition.topic ? -1 : 1
    return a.partition.partition - b.partition.partition || a.offset - b.offset
  })
  return selection.limit === undefined ? chosen : chosen.slice(0, selection.limit)
}
