import type { SqlSession } from '../session/session.ts'
import type { ResolvedSink } from '../sink-options.ts'

/**
 * Begins a transaction with everything it relies on set for itself alone, so that it does not matter what a pooler did
 * with the connection before (fault 67). Isolation is stated, as a server may have another default.
 */
export async function begin(session: SqlSession, { timeouts, workMem }: ResolvedSink): Promise<void> {
  await session.query(
    `BEGIN ISOLATION LEVEL READ COMMITTED;` +
      `SET LOCAL lock_timeout = ${timeouts.lockMs};SET LOCAL statement_timeout = ${timeouts.statementMs};` +
      `SET LOCAL idle_in_transaction_session_timeout = ${timeouts.idleMs};SET LOCAL work_mem = '${workMem}';` +
      // A COMMIT that may be forgotten is none; a setting stricter than `on` is kept.
      `SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';` +
      `SET LOCAL timezone = 'UTC';SET LOCAL datestyle = 'ISO';SET LOCAL extra_float_digits = 1;SET LOCAL bytea_output = 'hex'`,
  )
}

/** Runs `work` in a transaction and commits. An error ends the connection with it. */
export async function inTransaction<T>(
  sink: ResolvedSink,
  signal: AbortSignal,
  work: (session: SqlSession) => Promise<T>,
): Promise<T> {
  const session = await sink.connection.session(signal)
  let done = false
  try {
    await begin(session, sink)
    const result = await work(session)
    await session.query('COMMIT')
    done = true
    return result
  } finally {
    session.release(!done)
  }
}
