import type { ConnectionOptions } from 'node:tls'
import type { Pool, PoolClient, PoolConfig } from 'pg'
import { copyInQuery } from './copy-in.ts'
import type { SqlConnector, SqlResult, SqlSession } from './session.ts'

export interface PgConnectorOptions {
  /** `postgres://user:password@host:port/database`; or the parts below. */
  readonly connectionString?: string
  readonly host?: string
  readonly port?: number
  readonly user?: string
  /** Text, or a function that is asked for each new connection (tokens that expire). */
  readonly password?: string | (() => string | Promise<string>)
  readonly database?: string
  /** TLS as `node:tls` takes it. `true` verifies the server by the system's authorities. Default no TLS. */
  readonly ssl?: boolean | ConnectionOptions
  /** Connections at most. Each partition that commits uses one. Default 4. */
  readonly max?: number
  /** Wait for a connection at most, ms. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** Idle connections are closed after this, ms. Default 30,000. */
  readonly idleTimeoutMs?: number
  /** A statement without an answer for so long loses its connection, ms: for servers that hang. Default 180,000. */
  readonly replyTimeoutMs?: number
  /** Shown in `pg_stat_activity`. Default `sluice`. */
  readonly applicationName?: string
}

/** A pool of `pg` connections, made at the first use. Works behind a pooler in transaction mode. */
export function createPgConnector(options: PgConnectorOptions): SqlConnector {
  const { replyTimeoutMs = 180_000 } = options
  const config: PoolConfig = {
    ...(options.connectionString !== undefined && { connectionString: options.connectionString }),
    ...(options.host !== undefined && { host: options.host }),
    ...(options.port !== undefined && { port: options.port }),
    ...(options.user !== undefined && { user: options.user }),
    ...(options.password !== undefined && { password: options.password }),
    ...(options.database !== undefined && { database: options.database }),
    ...(options.ssl !== undefined && { ssl: options.ssl }),
    max: options.max ?? 4,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    idleTimeoutMillis: options.idleTimeoutMs ?? 30_000,
    application_name: options.applicationName ?? 'sluice',
    keepAlive: true,
    allowExitOnIdle: true,
  }
  let pool: Promise<Pool> | undefined
  let closed = false

  async function openPool(): Promise<Pool> {
    const { default: pg } = await import('pg')
    const made = new pg.Pool(config)
    // An idle connection that dies is dropped by the pool; there is nothing to tell anybody.
    made.on('error', () => undefined)
    return made
  }

  return {
    name: 'postgres',
    async session(signal) {
      signal.throwIfAborted()
      if (closed) throw new Error('the connector is closed')
      const client = await (await (pool ??= openPool())).connect()
      if (signal.aborted) {
        client.release()
        signal.throwIfAborted()
      }
      return sessionOf(client, signal, replyTimeoutMs)
    },
    async close() {
      if (closed) return
      closed = true
      if (pool !== undefined) await (await pool).end()
    },
  }
}

function sessionOf(client: PoolClient, signal: AbortSignal, replyTimeoutMs: number): SqlSession {
  let released = false
  const release = (broken: boolean): void => {
    if (released) return
    released = true
    signal.removeEventListener('abort', cut)
    client.off('error', ignore)
    // pg emits once more when a connection it ends dies on the way.
    if (broken) client.on('error', ignore)
    client.release(broken)
  }
  const cut = (): void => release(true)
  signal.addEventListener('abort', cut, { once: true })
  client.on('error', ignore)

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    if (released) throw new ConnectionLost('the session was given back')
    const timer = setTimeout(() => release(true), replyTimeoutMs)
    try {
      return await work()
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    query: (sql, params) =>
      guarded(async (): Promise<SqlResult> => {
        const result = await client.query(sql, params === undefined ? undefined : [...params])
        // Several statements in one text answer with a list.
        const last = Array.isArray(result) ? (result as (typeof result)[]).at(-1)! : result
        return { rows: last.rows as Record<string, unknown>[], affected: last.rowCount ?? 0 }
      }),
    copyIn: (sql, chunks) =>
      guarded(async () => {
        const { query, done } = copyInQuery(sql, chunks)
        client.query(query)
        await done
      }),
    release,
  }
}

/** The connection is gone: what was asked last may or may not have happened. */
class ConnectionLost extends Error {
  readonly code = 'ECONNRESET'
}

function ignore(): void {
  // The statement under way gets the same error; nobody is left to tell.
}
