import type { PartitionId } from '@sluice/ingest-core'
import { bookkeepingOf } from './progress/bookkeeping.ts'
import { recordTopic } from './progress/claims.ts'
import type { SqlConnector } from './session/session.ts'
import { postgresSinkDefaults } from './sink-options.ts'

/**
 * An operator's recorded decision: from now on the sink follows this topic under its name. Progress of the former one
 * stays, as does its data.
 */
export async function acceptPostgresTopic(
  connection: SqlConnector,
  sinkId: string,
  partition: Omit<PartitionId, 'partition'>,
  signal: AbortSignal,
  schema: string = postgresSinkDefaults.schema,
): Promise<void> {
  const session = await connection.session(signal)
  let done = false
  try {
    await recordTopic(session, bookkeepingOf(schema), sinkId, partition)
    done = true
  } finally {
    session.release(!done)
  }
}
