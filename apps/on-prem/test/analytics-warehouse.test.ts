import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { alertText, runDaily, type DailyReport } from '../src/analytics/daily.ts'
import { flatEvents } from '../src/analytics/event-table.ts'
import { never } from './memory-lake.ts'
import { openWarehouse, schemaDdl, type Warehouse } from './memory-warehouse.ts'

interface Event {
  readonly key: string
  readonly user: string
  readonly type: 'user_signup' | 'page_view' | 'purchase' | 'payment_failed'
  /** Day and time in January 2026, `03T10:00`. */
  readonly at: string
  readonly plan?: string
  readonly amount?: string
  readonly session?: string
}

const time = (at: string): string => `2026-01-${at}:00Z`

describe('the star of event analytics', () => {
  let warehouse: Warehouse
  let landed = 0

  beforeAll(async () => {
    warehouse = await openWarehouse()
  })
  afterAll(() => warehouse.close())
  beforeEach(async () => {
    landed = 0
    await warehouse.rows(schemaDdl(flatEvents, 'analytics', 'events', ['idempotency_key']))
  })

  /** As the sink lands them: the first of a key stays. */
  async function land(events: readonly Event[]): Promise<void> {
    if (events.length === 0) return
    const text = (value: string | undefined): string => (value === undefined ? 'null' : `'${value}'`)
    const rows = events.map((event) => {
      const currency = event.amount === undefined ? undefined : 'EUR'
      return `('v1', '${event.type}', 'e-${event.key}', '${event.key}', '${event.user}', ${text(event.session)}, '${time(event.at)}',
        '${time(event.at)}', 'mobile', 'iOS', null, null, ${text(event.plan)}, 'https://x.example/', null, ${text(event.amount)},
        ${text(currency)}, null, 'events_raw', 0, ${(landed += 1)}, null, '2026-01-31T00:00:00Z', null)`
    })
    await warehouse.rows(`insert into analytics.events (schema_version, event_type, event_id, idempotency_key, user_id, session_id,
      occurred_at, produced_at, device_type, device_os, device_browser, device_app_version, plan, url, referrer, amount, currency,
      failure_reason, _topic, _partition, _offset, _timestamp, _ingested_at, _schema_id)
      values ${rows.join(', ')} on conflict (idempotency_key) do nothing`)
  }
  const daily = (asOf = time('20T02:00')): Promise<DailyReport> =>
    runDaily({ connector: warehouse.connector, schema: 'analytics', asOf: new Date(asOf), signal: never })
  const history = async (): Promise<string[]> =>
    (
      await warehouse.rows(`select user_id || ' ' || plan || ' ' || valid_from || ' ' || valid_to || ' ' || is_current as t
        from analytics.dim_user order by user_id, valid_from`)
    ).map(({ t }) => String(t))
  const revenue = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await warehouse.rows('select plan, revenue::text as revenue from analytics.revenue_by_plan order by plan')).map(
        ({ plan, revenue: amount }) => [String(plan), String(amount)],
      ),
    )

  it('answers the point-in-time question of a case worked out by hand', async () => {
    // Ada: basic on the 1st, pro on the 10th. Bob: never signed up here, buys credits, then basic on the 12th.
    await land([
      { key: 'a1', user: 'ada', type: 'user_signup', at: '01T09:00', plan: 'basic' },
      { key: 'a2', user: 'ada', type: 'purchase', at: '03T10:00', amount: '4.50' },
      { key: 'a3', user: 'ada', type: 'purchase', at: '10T08:00', plan: 'pro', amount: '27.00' },
      { key: 'a4', user: 'ada', type: 'purchase', at: '11T08:00', amount: '9.00' },
      { key: 'b1', user: 'bob', type: 'purchase', at: '05T12:00', amount: '18.00' },
      { key: 'b2', user: 'bob', type: 'purchase', at: '12T12:00', plan: 'basic', amount: '9.00' },
    ])
    const report = await daily()
    expect(report.steps.slice(0, 3).map(({ outcome, problem }) => [outcome, problem])).toEqual([
      ['done', undefined],
      ['done', undefined],
      ['done', undefined],
    ])
    expect(report.loaded).toEqual({ facts: 6, corrected: 0 })
    // Unknown: Bob's credits. Basic: Ada's credits of the 3rd and what Bob paid for basic. Pro: what Ada paid for it and after.
    expect(await revenue()).toEqual({ basic: '13.50', pro: '36.00', unknown: '18.00' })
    expect(await history()).toEqual([
      'ada unknown -infinity 2026-01-01 09:00:00+00 false',
      'ada basic 2026-01-01 09:00:00+00 2026-01-10 08:00:00+00 false',
      'ada pro 2026-01-10 08:00:00+00 infinity true',
      'bob unknown -infinity 2026-01-12 12:00:00+00 false',
      'bob basic 2026-01-12 12:00:00+00 infinity true',
    ])
    expect(
      await warehouse.rows(`select lifetime_value::text as v, purchases::text as n, average_order_value::text as a
      from analytics.revenue_per_user where user_id = 'ada'`),
    ).toEqual([{ v: '40.50', n: '3', a: '13.50' }])
  })

  it('gives facts the right keys when a sign-up or a change of plan arrives late', async () => {
    await land([
      { key: 'a2', user: 'ada', type: 'purchase', at: '03T10:00', amount: '4.50' },
      { key: 'a4', user: 'ada', type: 'purchase', at: '11T08:00', amount: '9.00' },
    ])
    await daily()
    expect(await revenue()).toEqual({ unknown: '13.50' })
    await land([{ key: 'a1', user: 'ada', type: 'user_signup', at: '01T09:00', plan: 'free' }])
    expect((await daily()).loaded).toEqual({ facts: 1, corrected: 2 })
    expect(await revenue()).toEqual({ free: '13.50' })
    await land([{ key: 'a3', user: 'ada', type: 'purchase', at: '10T08:00', plan: 'pro', amount: '27.00' }])
    expect((await daily()).loaded).toEqual({ facts: 1, corrected: 1 })
    expect(await revenue()).toEqual({ free: '4.50', pro: '36.00' })
    expect((await daily()).loaded).toEqual({ facts: 0, corrected: 0 })
  })

  it('leads to one star, whatever the order and the batches in which events come', async () => {
    const events: Event[] = [
      { key: 'k1', user: 'u', type: 'user_signup', at: '02T00:00', plan: 'free' },
      { key: 'k2', user: 'u', type: 'purchase', at: '04T00:00', plan: 'pro', amount: '29.00' },
      { key: 'k3', user: 'u', type: 'purchase', at: '06T00:00', plan: 'pro', amount: '29.00' },
      { key: 'k4', user: 'u', type: 'purchase', at: '08T00:00', plan: 'basic', amount: '9.00' },
      { key: 'k5', user: 'u', type: 'purchase', at: '05T00:00', amount: '4.50' },
      { key: 'k6', user: 'u', type: 'page_view', at: '01T00:00' },
      { key: 'k7', user: 'u', type: 'purchase', at: '09T00:00', amount: '1.00' },
      { key: 'k8', user: 'v', type: 'page_view', at: '03T00:00' },
    ]
    const state = async (): Promise<unknown> => ({
      history: await history(),
      revenue: await revenue(),
      facts:
        await warehouse.rows(`select idempotency_key, plan from analytics.fact_events join analytics.dim_user using (user_key)
        order by idempotency_key`),
    })
    await land(events)
    await daily()
    const expected = await state()
    const order = fc.shuffledSubarray(events, { minLength: events.length })
    await fc.assert(
      fc.asyncProperty(order, fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 3 }), async (shuffled, cuts) => {
        await warehouse.rows(schemaDdl(flatEvents, 'analytics', 'events', ['idempotency_key']))
        const ends = [...new Set([...cuts, events.length])].sort((a, b) => a - b)
        let from = 0
        for (const end of ends) {
          await land(shuffled.slice(from, end))
          const report = await daily()
          expect(report.tests.filter(({ violations }) => violations > 0)).toEqual([])
          from = end
        }
        expect(await state()).toEqual(expected)
      }),
      { seed: 20_261_125, numRuns: 12 },
    )
  })

  it('lists who was inactive for a week, and counts users by day', async () => {
    await land([
      { key: '1', user: 'gone', type: 'user_signup', at: '01T10:00', plan: 'free' },
      { key: '2', user: 'gone', type: 'purchase', at: '19T10:00', amount: '9.00' },
      { key: '3', user: 'here', type: 'page_view', at: '01T11:00' },
      { key: '4', user: 'here', type: 'page_view', at: '15T11:00' },
      { key: '5', user: 'quiet', type: 'purchase', at: '12T01:59', amount: '1.00', session: 's' },
    ])
    await daily()
    // A renewal without a session is not the user's doing.
    expect(
      await warehouse.rows('select user_id, plan, inactive_days, risk from analytics.churn_risk order by user_id'),
    ).toEqual([
      { user_id: 'gone', plan: 'free', inactive_days: 18, risk: 'high' },
      { user_id: 'quiet', plan: 'unknown', inactive_days: 8, risk: 'watch' },
    ])
    expect(
      await warehouse.rows(`select active_users::int as a, new_users::int as n, page_views::int as p
        from analytics.daily_active_users where date = '2026-01-01'`),
    ).toEqual([{ a: 2, n: 1, p: 1 }])
  })

  const day = (date: number, count: number): Event[] =>
    Array.from({ length: count }, (_, n) => ({
      key: `${date}-${n}`,
      user: `u${n}`,
      type: 'page_view',
      at: `${String(date).padStart(2, '0')}T${String(n % 24).padStart(2, '0')}:00`,
    }))
  const outcomes = (report: DailyReport): Record<string, string> =>
    Object.fromEntries(report.quality.map(({ name, outcome }) => [name, outcome]))

  it('measures freshness, volume, nulls and dead letters against their limits', async () => {
    for (let date = 12; date <= 18; date++) await land(day(date, 10))
    await land(day(19, 12))
    await warehouse.rows('insert into analytics.ingest_progress values (1000, 10)')
    const good = await daily()
    expect([good.ok, good.alerts, new Set(Object.values(outcomes(good)))]).toEqual([true, [], new Set(['passed'])])

    await land([...day(19, 13)])
    await warehouse.rows('insert into analytics.ingest_progress values (0, 1)')
    const bad = await daily(time('21T02:00'))
    expect(outcomes(bad)).toMatchObject({
      freshness_hours: 'failed',
      volume_change_percent: 'failed',
      dead_letter_percent: 'failed',
      null_percent_user_id: 'passed',
    })
    const alarming = bad.quality.find(({ name }) => name === 'volume_change_percent')
    expect(alarming).toMatchObject({ measured: -100, threshold: 20 })
    expect(bad).toMatchObject({ ok: false, steps: [{}, {}, { step: 'tests', outcome: 'done' }, { outcome: 'failed' }] })
    expect(alertText(bad).split('\n')).toHaveLength(4)
    // 13 instead of 10: 30 % more.
    expect(outcomes(await daily(time('20T02:00')))).toMatchObject({ volume_change_percent: 'failed' })
  })

  it('says that it cannot compare volumes before there is a week of history', async () => {
    await land(day(19, 5))
    expect(outcomes(await daily())).toMatchObject({ volume_change_percent: 'unknown', freshness_hours: 'passed' })
  })

  it('names the model test that fails, and what could not run', async () => {
    await land(day(19, 5))
    await daily()
    await warehouse.rows(`insert into analytics.dim_user (user_id, plan, valid_from, valid_to, is_current, is_inferred)
      values ('u0', 'pro', '2026-01-01', 'infinity', true, false)`)
    const report = await daily()
    const failed = report.tests.filter(({ violations }) => violations > 0).map(({ name }) => name)
    expect(failed).toEqual(['dim_user_covers_all_time', 'dim_user_one_current'])
    expect(report.steps[2]).toMatchObject({ outcome: 'failed', problem: failed.join(', ') })
    expect(report.alerts).toHaveLength(2)

    await warehouse.rows('drop table analytics.events cascade')
    const broken = await daily()
    expect(broken.steps.map(({ outcome }) => outcome)).toEqual(['failed', 'left out', 'left out', 'left out'])
    expect(broken.alerts[0]).toMatch(/^load failed: 42P01/)
    expect(broken.ok).toBe(false)
  })
})
