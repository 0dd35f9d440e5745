import type { PartitionId } from '../contracts/records.ts'
import { chainFolder } from '../layout/layout.ts'
import { encodeSegment } from '../layout/segment.ts'

/** Where the records of the commit protocol lie. Offsets are padded to 20 digits, so byte order is their order. */
export interface ChainKeys {
  readonly folder: string
  readonly genesis: string
  plan(start: number): string
  done(start: number): string
  dead(start: number, sha256: string): string
  diverged(start: number, sha256: string): string
}

/** `prefix` is empty or ends in `/`. */
export function chainKeys(prefix: string, sinkId: string, partition: PartitionId): ChainKeys {
  const folder = `${sinkFolder(prefix, sinkId)}${encodeSegment(partition.topicId)}/${partition.partition}/`
  return {
    folder,
    genesis: `${folder}genesis`,
    plan: (start) => `${folder}${padded(start)}.plan`,
    done: (start) => `${folder}${padded(start)}.done`,
    dead: (start, sha256) => `${folder}${padded(start)}.dead-${sha256.slice(0, 32)}`,
    diverged: (start, sha256) => `${folder}${padded(start)}.diverged-${sha256.slice(0, 32)}`,
  }
}

export function sinkFolder(prefix: string, sinkId: string): string {
  return `${prefix}${chainFolder}${encodeSegment(sinkId)}/`
}

/** Markers that tie a topic name to the topic id the sink follows; the one with the highest number holds. */
export function topicFolder(prefix: string, sinkId: string, topic: string): string {
  return `${prefix}${chainFolder}_topics/${encodeSegment(sinkId)}/${encodeSegment(topic)}/`
}

/** Marker of who writes to a table's folder. */
export function ownerKey(prefix: string, tableFolder: string): string {
  return `${prefix}${chainFolder}_owners/${encodeSegment(tableFolder)}`
}

/** Marks of a consumer that decided dead letters were handed to, such as a relay. */
export function feedFolder(prefix: string, sinkId: string, consumer: string): string {
  return `${prefix}${chainFolder}_fed/${encodeSegment(sinkId)}/${encodeSegment(consumer)}/`
}

export function padded(offset: number): string {
  return String(offset).padStart(20, '0')
}
