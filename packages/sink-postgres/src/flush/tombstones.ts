import type { Tombstone } from '@sluice/ingest-core'
import { stage } from '../merge/names.ts'
import type { SqlSession } from '../session/session.ts'
import type { PlannedColumn, TablePlan } from '../table/table-options.ts'
import type { RefusedRow } from './buffer.ts'

const uuidText = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Tombstones per statement. */
const perStatement = 5000

/** A deletion, with the values of its key as text. */
export interface StagedDelete {
  readonly offset: number
  readonly timestamp: number
  readonly key: readonly string[]
}

/**
 * Reads the keys of tombstones: the text of the record's key, with several fields joined by `|`, as producers of this house
 * write it. What cannot be a key of the table is refused.
 */
export function readTombstones(
  plan: TablePlan,
  tombstones: readonly Tombstone[],
): { readonly deletes: readonly StagedDelete[]; readonly refused: readonly RefusedRow[] } {
  const deletes: StagedDelete[] = []
  const refused: RefusedRow[] = []
  for (const { offset, timestamp, key } of tombstones) {
    const values = keyOf(plan, key)
    if (values !== undefined && timestamp >= 0 && timestamp < 2 ** 53) deletes.push({ offset, timestamp, key: values })
    else {
      const expected =
        values === undefined
          ? `a key of ${plan.key.map((column) => column.name).join('|')} as text`
          : 'a record time, which says when the deletion happened'
      refused.push({ state: '22000', column: '', expected, offset })
    }
  }
  return { deletes, refused }
}

function keyOf(plan: TablePlan, key: Uint8Array | null): string[] | undefined {
  if (key === null) return undefined
  let text: string
  try {
    text = strict.decode(key)
  } catch {
    return undefined
  }
  const parts = plan.key.length === 1 ? [text] : text.split('|')
  if (parts.length !== plan.key.length) return undefined
  return parts.every((part, i) => isValueOf(plan.key[i]!, part)) ? parts : undefined
}

function isValueOf({ field: { type } }: PlannedColumn, text: string): boolean {
  switch (type.kind) {
    case 'utf8':
      return !text.includes('\0')
    case 'enum':
      return type.symbols.includes(text)
    case 'int32':
      return /^-?\d{1,10}$/.test(text) && Number(text) === (Number(text) | 0)
    case 'int64':
      return /^-?\d{1,19}$/.test(text) && BigInt(text) === BigInt.asIntN(64, BigInt(text))
    case 'uuid':
      return uuidText.test(text)
    default:
      return false
  }
}

/** Puts deletions beside the staged rows. */
export async function stageTombstones(
  session: SqlSession,
  plan: TablePlan,
  deletes: readonly StagedDelete[],
): Promise<void> {
  const names = plan.key.map((_, i) => `k${i}`)
  const time = stagedTime(plan)
  const keys = plan.key.map(({ sql, pgType }, i) => ({ sql, value: `r.${names[i]!}::${pgType}` }))
  const clock = plan.key.includes(plan.eventTime) ? [] : [{ sql: plan.eventTime.sql, value: time }]
  const columns = [...keys, ...clock]
  for (let at = 0; at < deletes.length; at += perStatement) {
    const rows = deletes.slice(at, at + perStatement).map(({ offset, timestamp, key }) => ({
      o: offset,
      t: timestamp,
      ...Object.fromEntries(key.map((value, i) => [names[i]!, value])),
    }))
    await session.query(
      `INSERT INTO ${stage} (_offset, _deleted, ${columns.map(({ sql }) => sql).join(', ')}) ` +
        `SELECT r.o, true, ${columns.map(({ value }) => value).join(', ')} ` +
        `FROM json_to_recordset($1::json) AS r(o bigint, t bigint, ${names.map((name) => `${name} text`).join(', ')})`,
      [JSON.stringify(rows)],
    )
  }
}

/** Record time in the type of the event time. */
function stagedTime({ eventTime, contract }: TablePlan): string {
  const { type } = eventTime.field
  if (type.kind !== 'timestamp') return contract.eventTimeUnit === 'milli' ? 'r.t' : 'r.t * 1000'
  if (type.unit === 'nano') return 'r.t * 1000000'
  const moment = `('epoch'::timestamptz + r.t * interval '1 millisecond')`
  return type.utc ? moment : `(${moment} AT TIME ZONE 'UTC')`
}
