import type { ObjectStore } from '../contracts/object-store.ts'
import { createReplayLedger } from '../dead-letters/replay-ledger.ts'
import { systemClock } from '../pipeline/clock.ts'
import { sinkFolder } from '../sink/chain-keys.ts'
import { parseDone, parsePlan } from '../sink/chain-records.ts'
import { SinkError } from '../sink/errors.ts'
import { fileSinkDefaults } from '../sink/file-sink-options.ts'
import type { FileKind } from '../sink/flush-spec.ts'
import { createStoreCalls } from '../sink/store-calls.ts'

/** A file that a finished flush or a finished replay of dead letters names. */
export interface CommittedFile {
  readonly topic: string
  readonly kind: FileKind
  readonly key: string
  readonly rows: number
  readonly bytes: number
  /** Lower-case hex SHA-256 of the object. */
  readonly sha256: string
  /** Landed by a replay of dead letters, not by the flush of its offsets. */
  readonly replayed: boolean
  /** What decided it: `<topic id>/<partition>`, or `replay`. */
  readonly chain: string
  /** Where in that chain: end of the flush, or number of the replay. Who has read up to here has read all before. */
  readonly position: number
}

export interface CommittedFilesOptions {
  readonly sinkId: string
  /** As given to the sink. */
  readonly prefix?: string
  readonly signal?: AbortSignal
}

const doneKey = /\/([^/]+\/\d+)\/\d{20}\.done$/

/**
 * The files of a sink that exist for readers, by key. Whoever reads the lake through this list sees each flush whole or
 * not at all, and of each partition everything up to some flush and nothing behind it; a folder listing may show files of a
 * flush in progress, and a listing of many pages a flush without the one before it.
 * @throws SinkError CHAIN_BROKEN, SINK_UNAVAILABLE; DeadLetterError LEDGER_MALFORMED
 */
export async function listCommittedFiles(store: ObjectStore, options: CommittedFilesOptions): Promise<CommittedFile[]> {
  const { sinkId, signal = new AbortController().signal } = options
  const prefix = options.prefix === undefined || options.prefix === '' ? '' : `${options.prefix}/`
  const calls = createStoreCalls(store, systemClock, { random: Math.random, ...fileSinkDefaults.retry })
  const required = async (key: string): Promise<Uint8Array> => {
    const body = await calls.read(key, signal)
    if (body !== undefined) return body
    throw new SinkError('CHAIN_BROKEN', `${key} is missing although the chain needs it; run verify`, {
      evidence: { key },
    })
  }
  const files: CommittedFile[] = []
  /** By chain: start of the last flush, or that a later one was committed while the listing had passed its predecessor. */
  const last = new Map<string, number | 'cut'>()
  for await (const { key } of store.list(sinkFolder(prefix, sinkId), signal)) {
    const chain = doneKey.exec(key)?.[1]
    if (chain === undefined || last.get(chain) === 'cut') continue
    const planKey = key.replace(/done$/, 'plan')
    const { previous, start, spec } = parsePlan(await required(planKey), planKey)
    if (previous?.start !== last.get(chain)) {
      last.set(chain, 'cut')
      continue
    }
    last.set(chain, start)
    const { topic } = spec.partition
    const done = parseDone(await required(key), key)
    for (const { kind, key: file, rows, bytes, sha256 } of done.files) {
      files.push({ topic, kind, key: file, rows, bytes, sha256, replayed: false, chain, position: done.end })
    }
  }
  const { done } = await createReplayLedger(calls, prefix, sinkId).load(signal)
  for (const { seq, files: landed } of done) {
    for (const { topic, key, rows, bytes, sha256 } of landed) {
      files.push({ topic, kind: 'data', key, rows, bytes, sha256, replayed: true, chain: 'replay', position: seq })
    }
  }
  return files.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}
