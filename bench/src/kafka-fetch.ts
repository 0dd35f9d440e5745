/**
 * How fast records come from a real broker on this machine: `node --conditions=sluice-source bench/src/kafka-fetch.ts [million]`
 * with KAFKA_BROKERS set. Writes topics of 3 partitions with `produceBatches` (records of about 120 bytes), then
 * reads them to the end by each driver, up to the `Fetched` chunks that a pipeline would decode; nothing is decoded here. CPU is
 * this process' only, the broker has its own. One JSON line per codec and driver, and the whole as results/kafka-fetch.json.
 */
import { encodeRecordBatch } from '@sluice/ingest-core'
import type { Codec, LogRecord, Source } from '@sluice/ingest-core'
import { createKafkaProducer, createKafkaSource } from '@sluice/source-kafka'
import { createKafkaJsSource } from '@sluice/source-kafka/kafkajs'
import { origin, storeResult } from './store-result.ts'

const brokers = (process.env.KAFKA_BROKERS ?? '').split(',').filter((broker) => broker !== '')
if (brokers.length === 0) throw new Error('set KAFKA_BROKERS, for example by tools/services')
const total = Math.round(Number(process.argv[2] ?? 2) * 1e6)
const partitions = 3
const perBatch = 5000
const pollBytes = 4 << 20
const never = new AbortController().signal

/** Events of about 115 bytes with their key, like an Avro-encoded user event. */
function recordAt(i: number): LogRecord {
  const user = `user_${String(i % 100).padStart(4, '0')}`
  const value = Buffer.from(
    `\0\0\0\0\x07${user}|PAGE_VIEW|session-${(i * 7919) % 1000}|PROD-${i % 10}|${i * 37}|Electronics|MOBILE|IN|${1.7e12 + i}`,
  )
  return { key: Buffer.from(user), value, timestamp: Date.now() }
}

interface Measured {
  readonly what: string
  readonly codec: Codec
  readonly records: number
  readonly storedBytes: number
  readonly recordsPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly peakRssMiB: number
}

async function measure(
  what: string,
  codec: Codec,
  run: () => Promise<{ readonly records: number; readonly storedBytes: number }>,
): Promise<Measured> {
  let peak = process.memoryUsage.rss()
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50)
  const cpu = process.cpuUsage()
  const before = performance.now()
  const done = await run()
  const seconds = (performance.now() - before) / 1000
  const { user, system } = process.cpuUsage(cpu)
  clearInterval(watch)
  const measured = {
    what,
    codec,
    ...done,
    recordsPerSecond: Math.round(done.records / seconds),
    cpuSecondsPerMillion: Number(((user + system) / done.records).toFixed(3)),
    peakRssMiB: Math.round(peak / 2 ** 20),
  }
  console.log(JSON.stringify(measured))
  return measured
}

async function fill(topic: string, codec: Codec): Promise<{ records: number; storedBytes: number }> {
  const producer = createKafkaProducer({ brokers })
  await producer.createTopic(topic, { partitions })
  const records = Array.from({ length: perBatch }, (_, i) => recordAt(i))
  const batch = encodeRecordBatch({ baseOffset: 0, records, codec })
  const each = Math.ceil(total / partitions / perBatch)
  await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      producer.produceBatches(
        topic,
        partition,
        Array.from({ length: each }, () => new Uint8Array(batch)),
      ),
    ),
  )
  await producer.close()
  return { records: each * partitions * perBatch, storedBytes: each * partitions * batch.length }
}

async function readAll(source: Source): Promise<{ records: number; storedBytes: number }> {
  const ends = new Map<number, number>()
  const next = new Map<number, number>()
  for await (const { assigned } of source.assignments(never)) {
    for (const id of assigned) {
      ends.set(id.partition, (await source.bounds(id)).end)
      next.set(id.partition, 0)
      await source.seek(id, 0)
    }
    if (ends.size === partitions) break
  }
  let storedBytes = 0
  while ([...ends].some(([partition, end]) => next.get(partition)! < end)) {
    for (const { partition, start, end, byteLength } of await source.poll(pollBytes, never)) {
      if (start !== next.get(partition.partition)) throw new Error(`gap at ${partition.partition}:${start}`)
      next.set(partition.partition, end)
      storedBytes += byteLength
    }
  }
  return { records: [...ends.values()].reduce((sum, end) => sum + end, 0), storedBytes }
}

const results: Measured[] = []
for (const codec of ['none', 'lz4', 'zstd'] as const) {
  const topic = `bench.fetch.${codec}.${Date.now()}`
  results.push(await measure('produceBatches', codec, () => fill(topic, codec)))
  for (const driver of ['kafka', 'kafkajs']) {
    const options = { brokers, topics: [topic], groupId: `bench-${topic}-${driver}` }
    const source = driver === 'kafka' ? await createKafkaSource(options) : await createKafkaJsSource(options)
    results.push(await measure(driver, codec, () => readAll(source)))
    await source.close()
  }
}
storeResult('kafka-fetch', { ...origin(), partitions, perBatch, pollBytes, results })
