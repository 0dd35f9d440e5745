/**
 * What an SQLSTATE means for a flush (RELIABILITY 4b).
 *
 * | kind | meaning |
 * | --- | --- |
 * | `row` | a row is at fault: find it, set it aside, store the others |
 * | `retry` | bad luck with others: roll back, wait a little, do it again |
 * | `pause` | the server is not able to now: wait; nothing is lost |
 * | `drift` | a table is not what it was: read the catalog again, once |
 * | `stop` | somebody has to change something |
 */
export type FailureKind = 'row' | 'retry' | 'pause' | 'drift' | 'stop'

const byState: Readonly<Record<string, FailureKind>> = {
  '40001': 'retry', // serialization_failure
  '40P01': 'retry', // deadlock_detected
  '55P03': 'retry', // lock_not_available
  '57014': 'retry', // query_canceled: statement timeout
  '25P03': 'retry', // idle_in_transaction_session_timeout
  '25006': 'pause', // read_only_sql_transaction: a standby
  '55000': 'pause', // object_not_in_prerequisite_state: recovery
  '42703': 'drift', // undefined_column
  '42P01': 'drift', // undefined_table
  '42804': 'drift', // datatype_mismatch
  '42P10': 'drift', // invalid_column_reference: no unique index for ON CONFLICT
  '22P03': 'drift', // invalid_binary_representation: a column of another type
  '22P04': 'drift', // bad_copy_file_format
}

const byClass: Readonly<Record<string, FailureKind>> = {
  '21': 'row', // cardinality violation
  '22': 'row', // data exception
  '23': 'row', // integrity constraint
  '44': 'row', // WITH CHECK OPTION
  '54': 'row', // program limits: an index entry that is too long, a row that is too wide
  P0: 'row', // RAISE in a trigger
  '40': 'retry',
  '08': 'pause', // connection
  '53': 'pause', // resources: disk full, too many connections, memory
  '57': 'pause', // operator intervention: shutdown, restart
  '58': 'pause', // system error outside of PostgreSQL
}

/** The five characters of an SQLSTATE, when the error has one. Codes of the system (`EPIPE`) begin with E, those of PostgreSQL never. */
export function sqlstateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { code } = error
  return typeof code === 'string' && /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code) ? code : undefined
}

/** Kind of an error. One without SQLSTATE comes from the connection: socket errors, timeouts, a client that ended. */
export function failureKind(error: unknown): FailureKind {
  const state = sqlstateOf(error)
  if (state === undefined) return 'pause'
  return byState[state] ?? byClass[state.slice(0, 2)] ?? 'stop'
}

/** Names that an error gives; never its text or detail, which quote values of rows. */
export function namesOf(error: unknown): {
  readonly column?: string
  readonly constraint?: string
  readonly table?: string
} {
  const fields = error as { readonly column?: unknown; readonly constraint?: unknown; readonly table?: unknown }
  return {
    ...(typeof fields.column === 'string' && { column: fields.column }),
    ...(typeof fields.constraint === 'string' && { constraint: fields.constraint }),
    ...(typeof fields.table === 'string' && { table: fields.table }),
  }
}

/** An error in words: with its text only where that cannot quote a row. */
export function describeSqlError(error: unknown): string {
  const state = sqlstateOf(error)
  if (state === undefined) return error instanceof Error ? error.message : String(error)
  if (failureKind(error) === 'row' || state.startsWith('22')) {
    const { column, constraint } = namesOf(error)
    return [`SQLSTATE ${state}`, constraint && `constraint ${constraint}`, column && `column ${column}`]
      .filter(Boolean)
      .join(', ')
  }
  return `SQLSTATE ${state}: ${(error as Error).message}`
}
