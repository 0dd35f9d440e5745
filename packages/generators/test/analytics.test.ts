import { beforeAll, describe, expect, test } from 'vitest'
import { createSimulation, noFaults, type Row, type SimulatedRecord } from '../src/index.ts'

const records: SimulatedRecord[] = []
const rows: Row[] = []
beforeAll(() => {
  const simulation = createSimulation(['events_raw'], {
    seed: 'users',
    forMs: 50 * 86_400_000,
    faults: noFaults,
    scale: 0.5,
  })
  for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) records.push(...batch)
  for (const record of records) rows.push(record.row!)
})

const payload = (row: Row) => row['payload'] as Row
const at = (row: Row) => Number(row['occurred_at'])
const sent = (row: Row) => Number(row['produced_at'])
const ofType = (type: string) => rows.filter((row) => row['event_type'] === type)
/** One row for each key: the first that was delivered. */
const facts = () => [...new Map([...rows].reverse().map((row) => [row['idempotency_key'], row])).values()]

describe('events of users', () => {
  test('four types, mostly page views; about one payment in seven fails', () => {
    const counts = Object.groupBy(rows, (row) => row['event_type'] as string)
    expect(Object.keys(counts).sort()).toEqual(['page_view', 'payment_failed', 'purchase', 'user_signup'])
    expect(counts['page_view']!.length / rows.length).toBeCloseTo(0.945, 1)
    const failed = facts().filter((row) => row['event_type'] === 'payment_failed').length
    const paid = facts().filter((row) => row['event_type'] === 'purchase').length
    // 14 % of about 3,500 attempts: four standard deviations are 0.024.
    expect(Math.abs(failed / (failed + paid) - 0.14)).toBeLessThan(0.03)
    expect(ofType('user_signup').length).toBeGreaterThan(400)
  })

  test('the payload is that of the type, in the JSON as in the row', () => {
    for (const { value, row } of records) {
      const json = JSON.parse(new TextDecoder().decode(value!)) as Row
      const inside = payload(json)
      expect(json['schema_version']).toBe('v1')
      expect(Object.values(inside)).not.toContain(null)
      const type = row!['event_type']
      const isPayment = type === 'purchase' || type === 'payment_failed'
      if (type === 'user_signup') expect(['free', 'basic', 'pro', 'enterprise']).toContain(inside['plan'])
      if (type === 'page_view') expect(inside['url']).toMatch(/^https:/)
      expect(typeof inside['failure_reason']).toBe(type === 'payment_failed' ? 'string' : 'undefined')
      expect('amount' in inside).toBe(isPayment)
      if (isPayment) expect([inside['amount'], inside['currency']].join(' ')).toMatch(/^\d+\.\d\d (USD|EUR|GBP|INR)$/)
      expect(new Date(json['occurred_at'] as string).getTime()).toBe(at(row!))
      expect(payload(row!)['amount']).toBe(inside['amount'] ?? null)
    }
  })

  test('a retry repeats the event and its key, and was sent later; a double click repeats the key only', () => {
    const sends = Map.groupBy(rows, (row) => row['idempotency_key'])
    let retries = 0
    let doubleClicks = 0
    for (const group of sends.values()) {
      const events = Map.groupBy(group, (row) => row['event_id'])
      if (events.size > 1) {
        doubleClicks++
        expect(new Set(group.map((row) => row['event_type']))).toEqual(new Set(['purchase']))
      }
      for (const copies of events.values()) {
        retries += copies.length - 1
        for (const [i, copy] of copies.entries()) {
          if (i === 0) continue
          expect(sent(copy)).toBeGreaterThan(sent(copies[i - 1]!))
          expect({ ...copy, produced_at: 0 }).toEqual({ ...copies[0]!, produced_at: 0 })
        }
      }
    }
    expect(Math.abs(retries / rows.length - 0.015)).toBeLessThan(0.004)
    expect(doubleClicks).toBeGreaterThan(5)
  })

  test('sent after it happened, at once or, from a phone without network, within 41 minutes', () => {
    let offline = 0
    for (const row of rows) {
      const delay = sent(row) - at(row)
      if (delay < 1 || delay > 41 * 60_000) throw new Error(`sent ${delay} ms after it happened`)
      if (delay > 60_000) {
        offline++
        if ((row['device'] as Row)['type'] !== 'mobile') throw new Error('only phones are without network')
      }
    }
    expect(offline / rows.length).toBeGreaterThan(0.002)
  })

  test('sessions are of one user and pause less than 30 minutes; renewals have none', () => {
    const sessions = Map.groupBy(facts(), (row) => row['session_id'])
    for (const [id, events] of sessions) {
      if (id === null) {
        expect(new Set(events.map((row) => (row['device'] as Row)['type']))).toEqual(new Set(['other']))
        expect(events.length).toBeGreaterThan(20)
        continue
      }
      if (new Set(events.map((row) => row['user_id'])).size > 1) throw new Error('a session has two users')
      const times = events.map(at).sort((a, b) => a - b)
      for (let i = 1; i < times.length; i++) {
        if (times[i]! - times[i - 1]! > 30 * 60_000) throw new Error('a session that should have ended')
      }
    }
    expect(sessions.size).toBeGreaterThan(5000)
  })

  test('users sign up once, before anything else; plans change up, down and by renewal', () => {
    const users = Map.groupBy(
      facts().sort((a, b) => at(a) - at(b)),
      (row) => row['user_id'],
    )
    const order = ['free', 'basic', 'pro', 'enterprise']
    const changes = { up: 0, down: 0, same: 0 }
    for (const events of users.values()) {
      let plan: unknown
      for (const [i, row] of events.entries()) {
        if (row['event_type'] === 'user_signup') {
          expect(i).toBe(0)
          plan = payload(row)['plan']
        }
        const bought = payload(row)['plan']
        if (row['event_type'] !== 'purchase' || bought === null) continue
        if (plan !== undefined) {
          const step = order.indexOf(bought as string) - order.indexOf(plan as string)
          changes[step > 0 ? 'up' : step < 0 ? 'down' : 'same']++
        }
        plan = bought
      }
    }
    expect(changes.up).toBeGreaterThan(100)
    expect(changes.down).toBeGreaterThan(2)
    expect(changes.same).toBeGreaterThan(10)
    expect(ofType('user_signup').length).toBeLessThan(users.size)
  })
})
