import { letterKey, parseHeaders } from '@sluice/ingest-core'
import type { DeadLetter, HeaderInput } from '@sluice/ingest-core'
import { partitionOfKey } from '../producer/murmur2.ts'
import type { ProducerRecord } from '../producer/producer.ts'

/** Our own header names begin so. */
export const ownPrefix = 'sluice.dlq.'
export const hopsHeader = `${ownPrefix}hops`

/** Original headers beyond these are left out, and a header says so (input 30). */
const maxHeaders = 100
const maxHeaderBytes = 64 * 1024

export interface LetterRecordOptions {
  /** Adds the headers that Kafka Connect writes, for tools that know them. */
  readonly connectHeaders: boolean
  /** How often the record was relayed before, as its headers say. */
  readonly hops: number
  readonly partitions: number
  /** Instead of the body: where it is. */
  readonly claim?: readonly HeaderInput[]
}

const bytesOf = (text: string | number | bigint): Uint8Array => Buffer.from(String(text))

/**
 * The record of a letter: key, value, timestamp and headers as they came, and what is known about it in headers of our own.
 * Headers of the original that claim to be ours are dropped: who refused what is never taken from the record (input 31).
 */
export function letterRecord(letter: DeadLetter, options: LetterRecordOptions): ProducerRecord {
  const dedupe = letterKey(letter)
  const { kept, dropped } = originalHeaders(letter)
  const { partition, offset, timestamp, schemaId } = letter
  const own: [string, string | number | bigint][] = [
    ['key', dedupe],
    ['hops', options.hops + 1],
    ['cluster', partition.clusterId],
    ['topic_id', partition.topicId],
    ['topic', partition.topic],
    ['partition', partition.partition],
    ['offset', offset],
    ['timestamp', timestamp],
    ['stage', letter.stage],
    ['code', letter.code],
    ['path', letter.path],
    ['expected', letter.expected],
    ['attempt', letter.attempt],
    ['pipeline', letter.pipeline],
    ['pipeline_version', letter.pipelineVersion],
    ['first_seen_us', letter.firstSeen],
  ]
  if (schemaId !== null) own.push(['schema_id', schemaId])
  if (dropped > 0) own.push(['headers_dropped', dropped])
  const headers: HeaderInput[] = [
    ...kept,
    ...own.map(([name, value]): HeaderInput => [`${ownPrefix}${name}`, bytesOf(value)]),
    ...(options.connectHeaders ? connectHeaders(letter) : []),
    ...(options.claim ?? []),
  ]
  return {
    // Repeats of a letter meet in one partition, with or without a key.
    partition: partitionOfKey(letter.key ?? bytesOf(dedupe), options.partitions),
    key: letter.key,
    value: options.claim === undefined ? letter.value : null,
    timestamp: timestamp >= 0 ? timestamp : Number(letter.firstSeen / 1000n),
    headers,
  }
}

/** How often the record says it was relayed. Not to be trusted for more than stopping a loop. */
export function hopsOf(letter: DeadLetter): number {
  if (letter.headers === null) return 0
  let hops = 0
  for (const { name, value } of parseHeaders(letter.headers)) {
    if (name !== hopsHeader || value === null) continue
    const text = Buffer.from(value.subarray(0, 16)).toString('latin1')
    hops = /^\d{1,9}$/.test(text) ? Math.max(hops, Number(text)) : hops
  }
  return hops
}

function originalHeaders(letter: DeadLetter): { kept: HeaderInput[]; dropped: number } {
  if (letter.headers === null) return { kept: [], dropped: 0 }
  const kept: HeaderInput[] = []
  let bytes = 0
  let dropped = 0
  for (const { name, nameBytes, value } of parseHeaders(letter.headers)) {
    if (name.startsWith(ownPrefix) || name.startsWith('__connect.errors.')) continue
    bytes += nameBytes.length + (value?.length ?? 0)
    if (kept.length >= maxHeaders || bytes > maxHeaderBytes) dropped += 1
    else kept.push([nameBytes, value])
  }
  return { kept, dropped }
}

/** As Kafka Connect's dead-letter queue reporter writes them; all are texts. */
function connectHeaders(letter: DeadLetter): HeaderInput[] {
  const { topic, partition } = letter.partition
  const pairs: [string, string][] = [
    ['topic', topic],
    ['partition', String(partition)],
    ['offset', String(letter.offset)],
    ['connector.name', letter.pipeline],
    ['task.id', '0'],
    ['stage', letter.stage === 'sink' ? 'TASK_PUT' : letter.stage === 'rule' ? 'TRANSFORMATION' : 'VALUE_CONVERTER'],
    ['class.name', `sluice.${letter.stage}`],
    ['exception.class.name', letter.code],
    ['exception.message', `${letter.code} at ${letter.path}: expected ${letter.expected}`],
  ]
  return pairs.map(([name, value]) => [`__connect.errors.${name}`, bytesOf(value)])
}
