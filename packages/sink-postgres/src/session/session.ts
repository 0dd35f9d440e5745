/** Values of parameters: text and numbers only, so that every client sends them alike. */
export type SqlParam = string | number | boolean | null

export interface SqlResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** Rows written by the statement; 0 for others. */
  readonly affected: number
}

/**
 * One connection to PostgreSQL for a while. Statements run one after the other. Nothing of the session is assumed to
 * live longer than a transaction (fault 67): no prepared names, no `SET`, no session locks, temporary tables only with
 * `ON COMMIT DROP`.
 */
export interface SqlSession {
  /** One statement, or several without parameters; then the result is that of the last. */
  query(sql: string, params?: readonly SqlParam[]): Promise<SqlResult>
  /**
   * `COPY ... FROM STDIN` with these bytes. A chunk is used up before the next is asked for, so all may be one array. After
   * an error the session must be given back as broken (fault 59).
   */
  copyIn(sql: string, chunks: Iterable<Uint8Array>): Promise<void>
  /** Gives the connection back; a broken one is closed and never handed out again. */
  release(broken: boolean): void
}

/** Where sessions come from: a pool, or a database inside the process. */
export interface SqlConnector {
  readonly name: string
  /** When `signal` aborts, what runs on the session fails soon; it may or may not have happened. */
  session(signal: AbortSignal): Promise<SqlSession>
  /** Safe to call twice. */
  close(): Promise<void>
}
