import type { LakeFiles } from '@sluice/app-kit'
import type { CommittedFile, ObjectStore } from '@sluice/ingest-core'
import { openDuck, parquetSql, sqlText, type Duck } from '../silver/duck.ts'
import { refresh, type RefreshInput, type RefreshOutput } from '../silver/refresh.ts'
import { createSnapshotTable, type Snapshot, type SnapshotFile, type SnapshotTable } from '../silver/snapshot-table.ts'
import { eventSource } from './event-table.ts'

export const eventSilver = 'silver_events'
const job = 'analytics-silver@1'

/** A longer silence of a user ends the session. */
export const inactivityMs = 30 * 60_000
const dayMs = 86_400_000

export interface EventSilverOptions {
  readonly store: ObjectStore
  readonly files: LakeFiles
  readonly sinkId: string
  /** Path before every key, without slashes at its ends. */
  readonly prefix?: string
}

/** UTC, without depending on the time zone of the session. */
const occurredAt = 'make_timestamp(epoch_us(occurred_at))'

/**
 * Valid events, one for each idempotency key, with their sessions; one file per date.
 *
 * A date is made from the bronze rows of that date and of the contract's lateness around it: of copies of a key the first
 * record wins, and copies further apart than that are not looked for. Sessions run over midnight: a date takes over the
 * sessions that were open at the end of the date before it, and when these changed, the next date is made again. The result
 * is that of making all dates anew, in whatever order the events came. Late rows have missed the watermark and stay in
 * their bronze lane.
 */
export async function refreshEvents(options: EventSilverOptions, signal: AbortSignal): Promise<Snapshot | undefined> {
  const { store, prefix = '' } = options
  const table = createSnapshotTable({ store, table: eventSilver, prefix: prefix === '' ? '' : `${prefix}/` })
  return refresh(
    table,
    { ...options, topic: eventSource.topic },
    job,
    (input) => makeDates(table, options.files, input, signal),
    signal,
  )
}

async function makeDates(
  table: SnapshotTable,
  cache: LakeFiles,
  { before, bronze, fresh }: RefreshInput,
  signal: AbortSignal,
): Promise<RefreshOutput> {
  await using duck = await openDuck()
  const byDate = new Map<string, CommittedFile[]>()
  for (const file of bronze.filter(({ kind }) => kind === 'data')) {
    const date = dateOf(file.key)
    byDate.set(date, [...(byDate.get(date) ?? []), file])
  }
  const made = new Map((before?.files ?? []).map((file) => [file.partition.slice('date='.length), file]))
  const dirty = await dirtyDates(duck, cache, fresh, signal)
  let written = 0
  for (let date = first(dirty); date !== undefined; date = first(dirty)) {
    dirty.delete(date)
    const old = made.get(date)
    const sources = [-1, 0, 1].flatMap((days) => byDate.get(shift(date!, days)) ?? [])
    const previous = made.get(shift(date, -1))
    const file = sources.length === 0 ? undefined : await makeDate(duck, table, cache, date, sources, previous, signal)
    if (file === undefined) made.delete(date)
    else made.set(date, file)
    written += 1
    const next = shift(date, 1)
    if ((file?.note ?? '') !== (old?.note ?? '') && (byDate.has(next) || made.has(next))) dirty.add(next)
  }
  const files = [...made.values()]
  return { files, counts: { events: files.reduce((sum, { rows }) => sum + rows, 0), datesWritten: written } }
}

/** Dates that new rows can change: their own, and that beyond midnight when they are near it. */
async function dirtyDates(
  duck: Duck,
  cache: LakeFiles,
  fresh: readonly CommittedFile[],
  signal: AbortSignal,
): Promise<Set<string>> {
  const data = fresh.filter(({ kind }) => kind === 'data')
  if (data.length === 0) return new Set()
  const paths = await cache.paths(data, signal)
  const shifts = [-eventSource.latenessMs, 0, eventSource.latenessMs]
  const rows = await duck.rows(
    `select distinct strftime(${occurredAt} + to_milliseconds(s), '%Y-%m-%d') as date
     from ${parquetSql(paths)}, (values ${shifts.map((ms) => `(${ms})`).join(', ')}) as shifts(s)`,
  )
  return new Set(rows.map(({ date }) => String(date)))
}

async function makeDate(
  duck: Duck,
  table: SnapshotTable,
  cache: LakeFiles,
  date: string,
  sources: readonly CommittedFile[],
  previous: SnapshotFile | undefined,
  signal: AbortSignal,
): Promise<SnapshotFile | undefined> {
  const bronze = parquetSql(await cache.paths(sources, signal))
  const before =
    previous === undefined
      ? `(select null::varchar as user_id, null::timestamp as occurred_at, null::timestamp as session_started_at,
          0 as session_event_number where false)`
      : `(select user_id, occurred_at, session_started_at, session_event_number
          from ${parquetSql(await cache.paths([previous], signal))})`
  await duck.run(sessionsSql({ bronze, before, date }))
  const [written] = await duck.writePartitions('select * from made order by occurred_at, _partition, _offset', 'folder')
  if (written === undefined) return undefined
  const [tail] = await duck.rows(openSessionsSql(date))
  const file = await table.addFile(written.partition, written.bytes, written.rows, signal)
  return { ...file, note: String(tail!['digest']) }
}

/** Table `made`: rows of one date. */
function sessionsSql({ bronze, before, date }: { bronze: string; before: string; date: string }): string {
  const start = `timestamp ${sqlText(`${date} 00:00:00`)}`
  const lateness = `to_milliseconds(${eventSource.latenessMs})`
  const flat = [
    'schema_version, event_type::varchar as event_type, event_id, idempotency_key, user_id',
    'session_id as client_session_id, device.type::varchar as device_type, device.os as device_os',
    'device.browser as device_browser, device.app_version as device_app_version',
    `${occurredAt} as occurred_at, make_timestamp(epoch_us(produced_at)) as produced_at`,
    'payload.plan as plan, payload.url as url, payload.referrer as referrer, payload.amount as amount',
    'payload.currency as currency, payload.failure_reason as failure_reason, _topic, _partition, _offset',
  ].join(', ')
  return `
    create or replace table valid as
      select ${flat} from ${bronze}
      where ${occurredAt} >= ${start} - ${lateness} and ${occurredAt} < ${start} + interval 1 day + ${lateness}
      qualify row_number() over (partition by idempotency_key order by _offset, _partition) = 1;
    create or replace table open_before as
      select * from ${before}
      qualify row_number() over (partition by user_id order by occurred_at desc, session_event_number desc) = 1;
    create or replace table gaps as
      select valid.*, open_before.session_started_at as taken_over, open_before.session_event_number as taken_number,
        lag(valid.occurred_at) over (partition by valid.user_id order by valid.occurred_at, _partition, _offset) as earlier,
        coalesce(earlier, open_before.occurred_at) as last_seen
      from valid left join open_before using (user_id)
      where valid.occurred_at >= ${start} and valid.occurred_at < ${start} + interval 1 day;
    create or replace table numbered as
      select *, count(*) filter (last_seen is null or occurred_at - last_seen > to_milliseconds(${inactivityMs}))
        over (partition by user_id order by occurred_at, _partition, _offset) as session_of_day
      from gaps;
    create or replace table made as
      select * exclude (taken_over, taken_number, earlier, last_seen, session_of_day),
        case when session_of_day = 0 then taken_over
          else first_value(occurred_at) over of_session end as session_started_at,
        (row_number() over of_session + case when session_of_day = 0 then taken_number else 0 end)::integer
          as session_event_number,
        md5(user_id || ' ' || epoch_ms(session_started_at)) as session_key,
        ${sqlText(`date=${date}`)} as folder
      from numbered
      window of_session as (partition by user_id, session_of_day order by occurred_at, _partition, _offset)`
}

/** What the next date takes over: for users seen shortly before midnight the session and where it stands. */
function openSessionsSql(date: string): string {
  const end = `timestamp ${sqlText(`${date} 00:00:00`)} + interval 1 day`
  return `
    with last as (
      select user_id, occurred_at, session_started_at, session_event_number from made
      qualify row_number() over (partition by user_id order by occurred_at desc, session_event_number desc) = 1)
    select md5(coalesce(string_agg(concat_ws(' ', user_id, epoch_us(occurred_at), epoch_us(session_started_at),
      session_event_number), chr(10) order by user_id), '')) as digest
    from last where occurred_at >= ${end} - to_milliseconds(${inactivityMs})`
}

function dateOf(key: string): string {
  const date = /\/date=(\d{4}-\d{2}-\d{2})\//.exec(key)?.[1]
  if (date === undefined) throw new TypeError(`${key} is not in a folder of its date`)
  return date
}

function shift(date: string, days: number): string {
  return new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10)
}

function first(dates: ReadonlySet<string>): string | undefined {
  return [...dates].sort()[0]
}
