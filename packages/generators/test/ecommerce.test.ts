import { beforeAll, describe, expect, test } from 'vitest'
import { createSimulation, noFaults, type Row } from '../src/index.ts'

const rows: Row[] = []
beforeAll(() => {
  const simulation = createSimulation(['ecommerce-events'], {
    seed: 'shop',
    count: 60_000,
    faults: noFaults,
    hashRows: false,
  })
  for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) {
    for (const record of batch) rows.push(record.row!)
  }
  rows.sort((a, b) => Number((a['timestamp'] as bigint) - (b['timestamp'] as bigint)))
})

describe('shop users', () => {
  test('event types have the weights of the specification', () => {
    const counts: Record<string, number> = {}
    for (const row of rows) counts[row['event_type'] as string] = (counts[row['event_type'] as string] ?? 0) + 1
    const weights = { PAGE_VIEW: 0.6, ADD_TO_CART: 0.2, PURCHASE: 0.1, REMOVE_FROM_CART: 0.05, SEARCH: 0.05 }
    expect(Object.keys(counts).sort()).toEqual(Object.keys(weights).sort())
    for (const [type, weight] of Object.entries(weights)) {
      // Five standard deviations; actions that wait for a cart are correlated, which widens it a little.
      const deviation = Math.sqrt((weight * (1 - weight)) / rows.length)
      expect(Math.abs(counts[type]! / rows.length - weight), type).toBeLessThan(5 * deviation)
    }
  })

  test('nothing is bought or removed that is not in the cart of the session', () => {
    const carts = new Map<string, string[]>()
    let taken = 0
    for (const row of rows) {
      const session = row['session_id'] as string
      const cart = carts.get(session) ?? []
      carts.set(session, cart)
      const product = row['product_id'] as string
      if (row['event_type'] === 'ADD_TO_CART') cart.push(product)
      if (row['event_type'] !== 'PURCHASE' && row['event_type'] !== 'REMOVE_FROM_CART') continue
      const at = cart.indexOf(product)
      if (at < 0) throw new Error(`${session}: ${row['event_type'] as string} of what is not in the cart`)
      cart.splice(at, 1)
      taken++
    }
    expect(taken).toBeGreaterThan(5000)
  })

  test('one live session per user, 5 to 30 minutes, one device in it', () => {
    const sessions = new Map<string, { user: string; device: string; from: number; to: number }>()
    for (const row of rows) {
      const at = Number(row['timestamp'])
      const user = row['user_id'] as string
      const device = row['device_type'] as string
      const session = sessions.get(row['session_id'] as string)
      if (session === undefined) sessions.set(row['session_id'] as string, { user, device, from: at, to: at })
      else {
        if (session.user !== user || session.device !== device) throw new Error('a session changed its user or device')
        session.to = at
      }
    }
    const byUser = Map.groupBy(sessions.values(), (session) => session.user)
    expect(byUser.size).toBe(100)
    for (const list of byUser.values()) {
      for (const [i, session] of list.entries()) {
        expect(session.to - session.from).toBeLessThanOrEqual(30 * 60_000)
        if (i > 0) expect(session.from).toBeGreaterThan(list[i - 1]!.to)
      }
    }
    const lengths = [...sessions.values()].map(({ from, to }) => to - from).sort((a, b) => a - b)
    expect(lengths[Math.floor(lengths.length / 2)]!).toBeGreaterThan(10 * 60_000)
  })

  test('sessions last between 5 and 30 minutes, evenly', () => {
    const sessions = Map.groupBy(rows, (row) => row['session_id'])
    // The first and the last session of each user are cut off by the simulation.
    const end = Number(rows.at(-1)!['timestamp']) - 31 * 60_000
    const spans: number[] = []
    for (const events of sessions.values()) {
      const [from, to] = [Number(events[0]!['timestamp']), Number(events.at(-1)!['timestamp'])]
      // The last action is a mean pause of 12 s before the end.
      if (from < end) spans.push((to - from + 12_000) / 60_000)
    }
    expect(spans.length).toBeGreaterThan(500)
    const mean = spans.reduce((sum, span) => sum + span, 0) / spans.length
    // Uniform over 25 minutes: a deviation of 7.2.
    expect(Math.abs(mean - 17.5)).toBeLessThan((5 * 7.22) / Math.sqrt(spans.length))
    const share = (from: number, to: number) => spans.filter((s) => s >= from && s < to).length / spans.length
    expect(share(0, 4)).toBe(0)
    for (let from = 5; from < 30; from += 5)
      expect(Math.abs(share(from, from + 5) - 0.2), `${from} min`).toBeLessThan(0.06)
    expect(share(30.5, Infinity)).toBe(0)
  })

  test('users are user_0000 to user_0099, prices are in rupees as in the catalogue', () => {
    const users = [...new Set(rows.map((row) => row['user_id'] as string))].sort()
    expect(users).toEqual(Array.from({ length: 100 }, (_, i) => `user_${String(i).padStart(4, '0')}`))
    expect(Math.min(...rows.flatMap((row) => (row['price'] === null ? [] : [row['price'] as number])))).toBe(349)
  })

  test('a search has no product, everything else has; prices are those of ten products; six countries', () => {
    const prices = new Map<unknown, unknown>()
    const countries = new Set(rows.map((row) => row['country']))
    for (const row of rows) {
      const isSearch = row['event_type'] === 'SEARCH'
      for (const field of ['product_id', 'product_name', 'price', 'category']) {
        if ((row[field] === null) !== isSearch) throw new Error(`${field} of ${row['event_type'] as string}`)
      }
      if (isSearch) continue
      if ((prices.get(row['product_id']) ?? row['price']) !== row['price']) throw new Error('a price changed')
      prices.set(row['product_id'], row['price'])
    }
    expect(prices.size).toBe(10)
    expect([...countries].sort()).toEqual(['AU', 'CA', 'DE', 'IN', 'UK', 'US'])
  })

  test('written as version 1, rows are read with nulls for what version 2 added', () => {
    const simulation = createSimulation(['ecommerce-events'], {
      count: 2000,
      faults: { new_version: 0.25 },
      writerVersions: { 'ecommerce-events': 1 },
      schemaId: (_, version) => version,
    })
    const seen = [0, 0]
    for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) {
      for (const { value, row, fault } of batch) {
        const version = value![4]!
        seen[version - 1]!++
        expect(fault).toBe(version === 2 ? 'new_version' : undefined)
        expect(row!['country'] === null).toBe(version === 1)
      }
    }
    expect(seen[1]! / 2000).toBeCloseTo(0.25, 1)
  })
})
