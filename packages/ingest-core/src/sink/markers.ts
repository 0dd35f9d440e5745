import type { ObjectStore } from '../contracts/object-store.ts'
import type { PartitionId } from '../contracts/records.ts'
import { canonicalBytes, sha256Hex } from './canonical-json.ts'
import { ownerKey, topicFolder } from './chain-keys.ts'
import { SinkError } from './errors.ts'
import { RecordReader } from './record-reader.ts'
import type { StoreCalls } from './store-calls.ts'

/** Makes a folder the sink's own for one topic. @throws SinkError OWNER_MISMATCH */
export type ClaimTable = (folder: string, topic: string, signal: AbortSignal) => Promise<void>

/**
 * One writer per table folder: sink, owner and topic are fixed by the first (RELIABILITY fault 22). A claim holds for good, so the partitions
 * of a topic share one.
 */
export function createClaims(
  calls: StoreCalls,
  prefix: string,
  sink: { readonly sinkId: string; readonly owner: string },
): ClaimTable {
  const claims = new Map<string, Promise<void>>()
  return async (folder, topic, signal) => {
    const name = `${folder} ${topic}`
    for (;;) {
      const known = claims.get(name)
      if (known === undefined) break
      // What failed another partition, such as the end of its assignment, need not fail this one.
      const holds = await known.then(
        () => true,
        () => false,
      )
      if (holds) return
      signal.throwIfAborted()
    }
    const claim = claimTable(calls, prefix, folder, { ...sink, topic }, signal)
    claims.set(name, claim)
    await claim.catch((error: unknown) => {
      claims.delete(name)
      throw error
    })
  }
}

async function claimTable(
  calls: StoreCalls,
  prefix: string,
  folder: string,
  claim: { readonly sinkId: string; readonly owner: string; readonly topic: string },
  signal: AbortSignal,
): Promise<void> {
  const key = ownerKey(prefix, folder)
  const placed = await calls.place(key, canonicalBytes(claim), {}, signal)
  if (placed.outcome !== 'other') return
  const body = await calls.read(key, signal)
  const found = body === undefined ? undefined : RecordReader.parse(body, key).value
  throw new SinkError(
    'OWNER_MISMATCH',
    `the folder ${prefix}${folder} is written by sink ${String(found?.['sinkId'])} of ${String(found?.['owner'])} for topic ` +
      `${String(found?.['topic'])}; this is sink ${claim.sinkId} of ${claim.owner} for topic ${claim.topic}`,
    { evidence: { key, found: found ?? null, expected: claim } },
  )
}

/**
 * The topic behind a name must stay the one the sink has followed: low offsets of a new topic would look like done ones
 * (RELIABILITY faults 27, 28).
 * @throws SinkError TOPIC_CHANGED, CLUSTER_CHANGED; see `acceptTopic`
 */
export async function checkTopic(
  calls: StoreCalls,
  prefix: string,
  sinkId: string,
  partition: PartitionId,
  signal: AbortSignal,
): Promise<void> {
  const folder = topicFolder(prefix, sinkId, partition.topic)
  for (;;) {
    const keys = await calls.list(folder, Number.POSITIVE_INFINITY, signal)
    const key = keys.at(-1)
    if (key === undefined) {
      const placed = await calls.place(`${folder}${number(0)}`, markerOf(partition), {}, signal)
      if (placed.outcome === 'other') continue
      return
    }
    const body = await calls.read(key, signal)
    if (body === undefined) continue
    const read = RecordReader.parse(body, key)
    const found = { clusterId: read.text('clusterId'), topicId: read.text('topicId') }
    if (found.clusterId === partition.clusterId && found.topicId === partition.topicId) return
    const cluster = found.clusterId !== partition.clusterId
    throw new SinkError(
      cluster ? 'CLUSTER_CHANGED' : 'TOPIC_CHANGED',
      `topic ${partition.topic}: the sink follows ${cluster ? `cluster ${found.clusterId}` : `topic id ${found.topicId}`}, ` +
        `now it is ${cluster ? partition.clusterId : partition.topicId}; what the former one still held is not known. ` +
        'Accept the new topic by an explicit decision, or stop here',
      { evidence: { key, found, expected: { clusterId: partition.clusterId, topicId: partition.topicId } } },
    )
  }
}

/**
 * An operator's recorded decision: from now on the sink follows this topic under its name. The chain of the former one
 * stays, as does its data.
 */
export async function acceptTopic(
  store: ObjectStore,
  sinkId: string,
  partition: Omit<PartitionId, 'partition'>,
  signal: AbortSignal,
  prefix = '',
): Promise<void> {
  const folder = topicFolder(prefix, sinkId, partition.topic)
  let next = 0
  for await (const { key } of store.list(folder, signal)) next = Number(key.slice(folder.length)) + 1
  const body = markerOf(partition)
  const put = await store.putIfAbsent(`${folder}${number(next)}`, body, sha256Hex(body), {}, signal)
  if (put.outcome === 'exists' && put.head.sha256 !== sha256Hex(body)) {
    throw new SinkError(
      'TOPIC_CHANGED',
      `topic ${partition.topic}: somebody else has just accepted another one; look again`,
    )
  }
}

function markerOf({ clusterId, topicId, topic }: Omit<PartitionId, 'partition'>): Uint8Array {
  return canonicalBytes({ clusterId, topicId, topic })
}

function number(generation: number): string {
  return String(generation).padStart(6, '0')
}
