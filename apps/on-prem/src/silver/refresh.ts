import { setTimeout as sleep } from 'node:timers/promises'
import type { LakeFiles } from '@sluice/app-kit'
import { listCommittedFiles, type CommittedFile, type ObjectStore } from '@sluice/ingest-core'
import { SilverError } from './errors.ts'
import type { Snapshot, SnapshotFile, SnapshotTable } from './snapshot-table.ts'

/** Where a silver table gets its rows from: the committed files of one topic of a file sink. */
export interface BronzeInput {
  readonly store: ObjectStore
  readonly files: LakeFiles
  readonly sinkId: string
  readonly prefix?: string
  readonly topic: string
}

/** What a job is given for one attempt. */
export interface RefreshInput {
  readonly before: Snapshot | undefined
  /** All files with rows, of both lanes. */
  readonly bronze: readonly CommittedFile[]
  /** Those that `before` has not seen. */
  readonly fresh: readonly CommittedFile[]
}

export interface RefreshOutput {
  readonly files: readonly SnapshotFile[]
  readonly counts: Readonly<Record<string, number>>
}

const attempts = 5

/**
 * Brings a silver table up to date: one new snapshot that has seen every committed file, or none when there is nothing new.
 * A job that dies leaves files that no manifest names and is simply run again.
 * @returns the newest snapshot
 * @throws SilverError SNAPSHOT_CONTENDED, SNAPSHOT_BROKEN
 */
export async function refresh(
  table: SnapshotTable,
  input: BronzeInput,
  job: string,
  work: (input: RefreshInput) => Promise<RefreshOutput>,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const before = await table.latest(signal)
    const { store, sinkId, prefix = '' } = input
    const committed = await listCommittedFiles(store, { sinkId, prefix, signal })
    const bronze = committed.filter(({ kind, topic }) => kind !== 'dead' && topic === input.topic)
    // The first job of a new version looks at everything again.
    const seen = before?.job === job ? before.inputs : {}
    const fresh = bronze.filter(({ chain, position }) => position > (seen[chain] ?? -1))
    if (fresh.length === 0 && before?.job === job) return before
    if (bronze.length === 0) return before
    const { files, counts } = await work({ before: before?.job === job ? before : undefined, bronze, fresh })
    const inputs: Record<string, number> = { ...seen }
    for (const { chain, position } of fresh) inputs[chain] = Math.max(inputs[chain] ?? -1, position)
    const sorted = [...files].sort((a, b) => (a.partition < b.partition ? -1 : 1))
    const snapshot: Snapshot = { number: (before?.number ?? 0) + 1, job, inputs, files: sorted, counts }
    if (await table.commit(snapshot, signal)) return snapshot
    await sleep(50 * attempt, undefined, { signal })
  }
  throw new SilverError('SNAPSHOT_CONTENDED', `${table.table}: other jobs made snapshots ${attempts} times in a row`)
}
