/** Fills one topic of the benchmark, in a process of its own: the topics are made at the same time. */
import { ensureTopic } from '../kafka/user-events-topic.ts'
import { serveRuns } from '../log-to-parquet/contender.ts'
import type { UserEventValues } from '../user-event-columns.ts'
import type { TopicJob } from './job.ts'

const { topic, brokers, records, cells, late } = JSON.parse(process.argv[2]!) as TopicJob
const lateShare = 0.01
const hourMs = 3_600_000

/** One event of a hundred happened up to three hours earlier, the first of a chunk excepted. */
function makeLate(values: UserEventValues): void {
  const every = Math.round(1 / lateShare)
  for (let row = every; row < values.timestamp.length; row += every) {
    values.timestamp[row] = values.timestamp[row]! - BigInt(Math.round(hourMs * (0.5 + (2.5 * (row % 997)) / 997)))
  }
}

/** The user decides the partition of Kafka, so the cell follows from it and a counter. */
function intoCells(values: UserEventValues): void {
  const perUser = Math.max(1, Math.floor(cells / 100))
  values.user_id.forEach((user, row) => {
    const cell = Number(user.slice(-4)) * perUser + (((row * 7919) >>> 3) % perUser)
    values.session_id[row] = `cell-${String(cell).padStart(6, '0')}`
  })
}

async function fill(): Promise<number> {
  await ensureTopic(topic, brokers, records, 'zstd', (values) => {
    intoCells(values)
    if (late) makeLate(values)
  })
  return records
}

serveRuns(fill, () => Promise.resolve())
