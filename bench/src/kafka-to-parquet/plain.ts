/**
 * The plain way, in a process of its own: kafkajs `eachBatch`, avsc to a row object per record, DuckDB's appender, one COPY to zstd
 * Parquet by date and hour; for MinIO the files then go up, four at a time. No rules, no dead letters, no offsets with the
 * rows, no fsync; a record that does not decode ends it. Arguments: the job, `row` (the appender per value) or `chunk` (typed
 * vectors of 2048 rows).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { DuckDBInstance } from '@duckdb/node-api'
import kafkajs from 'kafkajs'
import { createFileRegistry } from '@sluice/schemas'
import { s3Client } from '../kafka/bucket.ts'
import { registryFolder } from '../kafka/user-events-contract.ts'
import { serveRuns } from '../log-to-parquet/contender.ts'
import type { RunOutcome } from '../log-to-parquet/contender.ts'
import { avscType } from '../log-to-parquet/event-log.ts'
import { createEventAppender } from '../log-to-parquet/event-appender.ts'
import type { UserEvent } from '../log-to-parquet/event-appender.ts'
import { jobOf } from './job.ts'

const { records, brokers, topic, place } = jobOf(process.argv[2])
const byChunk = process.argv[3] === 'chunk'
// kafkajs brings no zstd; with Node's it is one line.
kafkajs.CompressionCodecs[4] = () => ({
  compress: () => Promise.reject(new Error('reads only')),
  decompress: async (bytes: Buffer) => zstdDecompressSync(bytes),
})
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), clientId: 'plain', logLevel: kafkajs.logLevel.NOTHING })
const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
const spool = fileURLToPath(new URL(`../../.data/kafka-to-parquet-spool-${process.pid}`, import.meta.url))
const leaving: Promise<void>[] = []
let runs = 0

async function convert(): Promise<RunOutcome> {
  const run = `run${(runs += 1)}`
  const appender = await createEventAppender(connection, byChunk)
  const registry = createFileRegistry(registryFolder)
  const readers = new Map<number, ReturnType<typeof avscType>>()
  const done = Promise.withResolvers<undefined>()
  const consumer = kafka.consumer({ groupId: `plain-${process.pid}-${run}`, maxBytesPerPartition: 4 << 20 })
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  let rows = 0
  await consumer.run({
    async eachBatch({ batch }) {
      try {
        for (const { value, offset } of batch.messages) {
          if (value![0] !== 0) throw new Error('not in Confluent framing')
          const id = value!.readUInt32BE(1)
          let reader = readers.get(id)
          if (reader === undefined) {
            const found = await registry.getById(id)
            if (found === undefined) throw new Error(`schema id ${id} is unknown`)
            readers.set(id, (reader = avscType(found.schema)))
          }
          appender.append(reader.fromBuffer(value!.subarray(5)) as UserEvent, batch.partition, Number(offset))
        }
        rows += batch.messages.length
        if (rows >= records) done.resolve(undefined)
      } catch (error) {
        done.reject(error)
      }
    },
  })
  await done.promise
  const folder = place.kind === 'local' ? join(place.root, run) : join(spool, run)
  mkdirSync(folder, { recursive: true })
  await appender.copyTo(folder)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  if (place.kind === 'minio') {
    const client = s3Client(place)
    const queue = files.map((entry) => join(entry.parentPath, entry.name))
    const upload = async (): Promise<void> => {
      for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
        const key = `${place.prefix}/${run}/${relative(folder, file)}`
        await client.send(new PutObjectCommand({ Bucket: place.bucket, Key: key, Body: readFileSync(file) }))
      }
    }
    await Promise.all([upload(), upload(), upload(), upload()])
    client.destroy()
    rmSync(spool, { recursive: true })
  }
  const firstFileAt = Date.now()
  // What a consumer does to leave its group is no part of the job: kafkajs waits for a fetch that is under way.
  leaving.push(consumer.disconnect())
  return { rows, firstFileAt, more: { files: files.length } }
}

serveRuns(convert, async () => {
  await Promise.all(leaving)
  connection.closeSync()
  instance.closeSync()
})
