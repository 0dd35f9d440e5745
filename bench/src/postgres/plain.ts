/**
 * The plain way, in a process of its own: kafkajs, avsc, and one INSERT ... ON CONFLICT of 1,000 rows after the other through pg. No
 * dead letters, no offsets with the rows, no guard against older events. Arguments: records, brokers, PostgreSQL URL, topic.
 */
import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import { serveRuns } from '../log-to-parquet/contender.ts'
import { columns, orders } from './order-events.ts'

const [total, brokers, connectionString, topic] = process.argv.slice(2)
const perInsert = 1000
const pool = new pg.Pool({ connectionString: connectionString! })
const kafka = new Kafka({ brokers: brokers!.split(','), clientId: 'plain', logLevel: logLevel.NOTHING })
let runs = 0

function insertSql(rows: number): string {
  const tuples = Array.from(
    { length: rows },
    (_, row) => `(${columns.map((_name, column) => `$${row * columns.length + column + 1}`).join(', ')})`,
  )
  const set = columns.slice(1).map((name) => `${name} = excluded.${name}`)
  return (
    `INSERT INTO plain_bench.orders (${columns.join(', ')}) VALUES ${tuples.join(', ')} ` +
    `ON CONFLICT (order_id) DO UPDATE SET ${set.join(', ')}`
  )
}

const full = insertSql(perInsert)

async function land(): Promise<number> {
  await pool.query(
    `DROP SCHEMA IF EXISTS plain_bench CASCADE; CREATE SCHEMA plain_bench; CREATE TABLE plain_bench.orders (
       order_id text COLLATE "C" PRIMARY KEY, customer_id text NOT NULL, session_id text NOT NULL,
       placed_at timestamptz NOT NULL, status text NOT NULL, amount numeric(12, 2) NOT NULL, quantity integer NOT NULL,
       discount double precision, currency text NOT NULL, country text NOT NULL, page text NOT NULL, agent text NOT NULL,
       gift boolean NOT NULL)`,
  )
  const done = Promise.withResolvers<undefined>()
  const consumer = kafka.consumer({ groupId: `plain-${process.pid}-${(runs += 1)}`, maxBytesPerPartition: 4 << 20 })
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic!], fromBeginning: true })
  let rows = 0
  await consumer.run({
    async eachBatch({ batch, heartbeat }) {
      try {
        let values: unknown[] = []
        const insert = async (): Promise<void> => {
          const count = values.length / columns.length
          await pool.query(count === perInsert ? full : insertSql(count), values)
          rows += count
          values = []
          await heartbeat()
        }
        for (const { value } of batch.messages) {
          const order = orders.fromBuffer(value!.subarray(5)) as Record<string, unknown>
          for (const name of columns) {
            values.push(name === 'placed_at' ? new Date(order[name] as number) : order[name])
          }
          if (values.length === perInsert * columns.length) await insert()
        }
        if (values.length > 0) await insert()
        if (rows >= Number(total)) done.resolve(undefined)
      } catch (error) {
        done.reject(error)
      }
    },
  })
  await done.promise
  await consumer.disconnect()
  return rows
}

serveRuns(land, () => pool.end())
