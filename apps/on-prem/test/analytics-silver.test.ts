import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLocalFiles } from '@sluice/app-kit'
import { createLocalStore, type ObjectStore } from '@sluice/ingest-core'
import { carriedEvents, eventSource } from '../src/analytics/event-table.ts'
import { inactivityMs, refreshEvents } from '../src/analytics/silver.ts'
import { openDuck, parquetSql } from '../src/silver/duck.ts'
import type { Snapshot } from '../src/silver/snapshot-table.ts'
import { bronzeSink, land, never, openWorkers, type Sent } from './memory-lake.ts'

const minute = 60_000
const evening = Date.UTC(2026, 0, 5, 22, 0)

interface Event {
  readonly user: string
  readonly key: string
  readonly at: number
}

function sentOf({ user, key, at }: Event): Sent {
  const value = {
    schema_version: 'v1',
    event_type: 'page_view',
    event_id: `e-${key}-${at}`,
    idempotency_key: key,
    user_id: user,
    device: { type: 'mobile', os: 'iOS' },
    occurred_at: at,
    produced_at: at + 1,
    payload: { url: 'https://app.example.com/' },
  }
  return { partition: 0, key: user, value, timestamp: at }
}

/** Events by key as silver must have them: the first copy by position that is not late, and sessions by user. */
function model(events: readonly Event[]): Map<string, string> {
  let watermark = -Infinity
  const first = new Map<string, Event & { position: number }>()
  events.forEach((event, position) => {
    if (event.at < watermark - eventSource.latenessMs) return
    watermark = Math.max(watermark, event.at)
    if (!first.has(event.key)) first.set(event.key, { ...event, position })
  })
  const sorted = [...first.values()].sort((a, b) => a.at - b.at || a.position - b.position)
  const open = new Map<string, { start: number; last: number; n: number }>()
  const out = new Map<string, string>()
  for (const { user, key, at } of sorted) {
    let session = open.get(user)
    if (session === undefined || at - session.last > inactivityMs) session = { start: at, last: at, n: 0 }
    open.set(user, (session = { ...session, last: at, n: session.n + 1 }))
    out.set(key, `${user} ${at} started ${session.start} #${session.n}`)
  }
  return new Map([...out].sort())
}

function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * below)
  }
}

/** Users active over two midnights, with copies, and events that arrive up to and beyond an hour late. */
function events(seed: number, count: number): Event[] {
  const random = numbers(seed)
  const made: Event[] = []
  for (let n = 0; n < count; n++) {
    const now = evening + n * 8 * minute
    if (random(7) === 0 && made.length > 0) {
      const copy = made[Math.max(0, made.length - 1 - random(4))]!
      made.push({ ...copy, at: copy.at + (random(3) === 0 ? random(900) : 0) })
      continue
    }
    const behind = random(4) === 0 ? random(55) * minute : random(30) === 0 ? 3 * 60 * minute : 0
    made.push({ user: `u${random(3)}`, key: `k${n}`, at: now - behind + random(60_000) })
  }
  return made
}

describe('silver of events', () => {
  const workers = openWorkers(carriedEvents)
  let root: string
  let store: ObjectStore

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-silver-test-'))
    store = createLocalStore({ root, durable: false })
    await store.open(never)
  })
  afterEach(async () => {
    await store.close()
    await rm(root, { recursive: true, force: true })
  })
  afterAll(() => workers.close())

  const ingest = (sent: readonly Sent[]) =>
    land({ contract: carriedEvents, workers, sink: bronzeSink(store, eventSource, workers), sent })
  const refreshed = async (): Promise<Snapshot> =>
    (await refreshEvents({ store, files: createLocalFiles(root), sinkId: 'bronze' }, never))!

  async function contentOf(snapshot: Snapshot): Promise<Map<string, string>> {
    await using duck = await openDuck()
    const paths = snapshot.files.map(({ key }) => join(root, key))
    const rows = await duck.rows(`select user_id, idempotency_key, epoch_ms(occurred_at)::double as at,
      epoch_ms(session_started_at)::double as start, session_event_number as n, session_key,
      filename from ${parquetSql(paths, ', filename = true')}`)
    for (const row of rows) {
      expect(row['filename']).toContain(`/date=${new Date(row['at'] as number).toISOString().slice(0, 10)}/`)
    }
    const sessions = new Set(rows.map((row) => `${String(row['user_id'])} ${String(row['start'])}`))
    expect(new Set(rows.map((row) => row['session_key'])).size).toBe(sessions.size)
    const text = (row: Record<string, unknown>): string =>
      `${String(row['user_id'])} ${String(row['at'])} started ${String(row['start'])} #${String(row['n'])}`
    return new Map(rows.map((row) => [String(row['idempotency_key']), text(row)] as const).sort())
  }

  it.each([3, 17])(
    'equals a plain model after every refresh, whatever the order of arrival (seed %i)',
    async (seed) => {
      const all = events(seed, 240)
      for (const upTo of [2, 25, 60, 61, 150, 240]) {
        await ingest(all.slice(0, upTo).map(sentOf))
        expect(await contentOf(await refreshed())).toEqual(model(all.slice(0, upTo)))
      }
      expect(new Set(all.map(({ at }) => Math.floor(at / 86_400_000))).size).toBeGreaterThan(2)
    },
  )

  it('makes the next date again when a session that crosses midnight changes', async () => {
    const midnight = Date.UTC(2026, 0, 6)
    const at = (key: string, minutes: number): Event => ({ user: 'u', key, at: midnight + minutes * minute })
    const early = [at('a', -20), at('b', 5), at('c', 40)]
    await ingest(early.map(sentOf))
    expect([...(await contentOf(await refreshed())).values()].map((text) => text.split('#')[1])).toEqual([
      '1',
      '2',
      '1',
    ])
    // Comes late, but within the watermark: the sessions before and after it are one.
    const all = [...early, at('d', 20)]
    await ingest(all.map(sentOf))
    const snapshot = await refreshed()
    expect(await contentOf(snapshot)).toEqual(model(all))
    const before = [...all, at('e', -15)]
    await ingest(before.map(sentOf))
    const last = await refreshed()
    expect(last.counts).toEqual({ events: 5, datesWritten: 2 })
    expect(await contentOf(last)).toEqual(model(before))
    expect((await refreshed()).number).toBe(last.number)
  })

  it('keeps copies in bronze, and what is invalid out of both', async () => {
    const one = sentOf({ user: 'u', key: 'k', at: evening })
    const bad = { ...one, value: { ...(one.value as object), event_type: 'page_vew' } }
    const summary = await ingest([one, one, bad, one])
    expect(summary.topics[eventSource.topic]).toMatchObject({ stored: 3, deadLettered: 1 })
    expect((await refreshed()).counts['events']).toBe(1)
  })
})
