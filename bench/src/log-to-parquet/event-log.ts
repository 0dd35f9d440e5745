import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import avro from 'avsc'
import { openSegmentLog } from '@sluice/ingest-core'
import { createFileRegistry, frame, getContract } from '@sluice/schemas'
import type { AvroSchema } from '@sluice/schemas'
import { makeUserEvents, userEventSchema } from '../user-event-columns.ts'
import type { UserEventValues } from '../user-event-columns.ts'

/** UserEvent v2, the event of this benchmark. */
export const contract = getContract('ecommerce.UserEvent')

export const partitions = 3

/** Where the log of a benchmark lies, and where the runs write. */
export interface BenchPlaces {
  readonly log: string
  readonly registry: string
  /** Written by `sluice.ts`. */
  readonly lake: string
  /** Written by `plain.ts`. */
  readonly plain: string
}

export function placesFor(records: number): BenchPlaces {
  const root = fileURLToPath(new URL(`../../.data/log-to-parquet-${records}/`, import.meta.url))
  return {
    log: join(root, 'log'),
    registry: join(root, 'registry'),
    lake: join(root, 'lake'),
    plain: join(root, 'plain'),
  }
}

const chunkRows = 100_000
/** Mean time that the events of one chunk cover, ms: each begins where the one before ended, give or take seconds. */
const chunkMs = chunkRows * 9.5

/** avsc wants its own type for a schema. */
export function avscType(schema: AvroSchema): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema)
}

/** An event as it stands in the log. */
export interface EventRecord {
  readonly partition: number
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly timestamp: number
  readonly headers: readonly []
}

/** Makes other values of those of a chunk before they are encoded. */
export type ChangeValues = (values: UserEventValues) => void

/** Seeded events in Confluent's Avro framing, keyed and partitioned by user, in chunks. */
export function* eventChunks(records: number, schemaId: number, change?: ChangeValues): Generator<EventRecord[]> {
  const type = avscType(contract.schema)
  for (let from = 0, chunk = 0; from < records; from += chunkRows, chunk++) {
    const values = makeUserEvents(Math.min(chunkRows, records - from), chunk + 1)
    change?.(values)
    yield values.event_id.map((_, row) => {
      const event = Object.fromEntries(
        userEventSchema.fields.map(({ name, type: { kind, ...rest } }) => {
          const value = values[name as keyof typeof values][row]!
          const symbols = kind === 'enum' && 'symbols' in rest ? rest.symbols : undefined
          if (name === 'timestamp') return [name, Number(value) + chunk * chunkMs]
          return [name, symbols === undefined || value === null ? value : symbols[Number(value)]]
        }),
      )
      const user = values.user_id[row]!
      return {
        partition: Number(user.slice(-4)) % partitions,
        key: Buffer.from(user),
        value: frame(schemaId, type.toBuffer(event)),
        timestamp: Number(event['timestamp']),
        headers: [],
      }
    })
  }
}

/**
 * Makes the log once: the events in zstd record batches of 256 KiB. A log that is there and whole is used again.
 */
export async function ensureLog(places: BenchPlaces, records: number): Promise<void> {
  const ready = join(places.log, 'ready')
  if (existsSync(ready)) return
  for (const folder of Object.values(places)) rmSync(folder as string, { recursive: true, force: true })
  mkdirSync(places.registry, { recursive: true })
  const id = await createFileRegistry(places.registry).register(contract.subject, contract.schema)
  const log = await openSegmentLog({ root: places.log, codec: 'zstd', level: 1, fsync: 'roll' })
  await log.createTopic(contract.topic, { partitions })
  for (const batch of eventChunks(records, id)) await log.write(contract.topic, batch)
  await log.close()
  writeFileSync(ready, '')
}
