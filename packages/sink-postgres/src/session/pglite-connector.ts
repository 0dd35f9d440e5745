import type { SqlConnector, SqlResult, SqlSession } from './session.ts'

/** The members of PGlite that are used. */
export interface PgliteDatabase {
  query(sql: string, params?: unknown[], options?: { blob?: Blob }): Promise<PgliteResult>
  exec(sql: string): Promise<PgliteResult[]>
}

export interface PgliteResult {
  readonly rows: unknown[]
  readonly affectedRows?: number
}

/**
 * PostgreSQL inside the process (`@electric-sql/pglite`), for first runs and tests: one connection, so sessions wait for
 * each other. The database is closed by whoever made it.
 */
export function createPgliteConnector(database: PgliteDatabase): SqlConnector {
  let turn: Promise<void> = Promise.resolve()

  return {
    name: 'pglite',
    async session(signal) {
      const before = turn
      const { promise, resolve } = Promise.withResolvers<undefined>()
      turn = promise.then(() => undefined)
      await before
      if (signal.aborted) {
        resolve(undefined)
        signal.throwIfAborted()
      }
      return sessionOf(database, signal, () => resolve(undefined))
    },
    async close() {
      await turn
    },
  }
}

function sessionOf(database: PgliteDatabase, signal: AbortSignal, done: () => void): SqlSession {
  let released = false
  return {
    async query(sql, params): Promise<SqlResult> {
      signal.throwIfAborted()
      const result = params === undefined ? (await database.exec(sql)).at(-1) : await database.query(sql, [...params])
      return { rows: (result?.rows ?? []) as Record<string, unknown>[], affected: result?.affectedRows ?? 0 }
    },
    async copyIn(sql, chunks) {
      signal.throwIfAborted()
      const blob = new Blob(Array.from(chunks, (chunk) => chunk.slice()))
      await database.query(sql.replace('FROM STDIN', "FROM '/dev/blob'"), [], { blob })
    },
    release(broken) {
      if (released) return
      released = true
      // There is no connection to throw away: end whatever transaction is left.
      if (broken) void database.exec('ROLLBACK').then(done, done)
      else done()
    },
  }
}
