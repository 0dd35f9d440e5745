import { beforeAll, describe, expect, test } from 'vitest'
import { brokenRules, createSimulation, listFeeds, noFaults, type Row } from '../src/index.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const feeds = listFeeds().filter((feed) => feed.name.startsWith('bakery.'))
type Seen = { row: Row; at: number }
const seen = new Map<string, Seen[]>()
const cents = (text: unknown) => Math.round(Number(text) * 100)
const ms = (time: unknown, perMs = 1000) => Number(time) / perMs
const of = (topic: string) => seen.get(`bakery.${topic}`)!

beforeAll(() => {
  const simulation = createSimulation(
    feeds.map((feed) => feed.name),
    { seed: 'bakery', forMs: 28 * dayMs, faults: noFaults, hashRows: false },
  )
  for (const feed of feeds) seen.set(feed.name, [])
  for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) {
    for (const { topic, row, timestamp } of batch) seen.get(topic)!.push({ row: row!, at: timestamp })
  }
})

/** Fails with the first few of what was wrong; one assertion for many rows, because assertions are slow. */
function problems() {
  const found: string[] = []
  return {
    check(holds: boolean, what: string): void {
      if (!holds && found.length < 5) found.push(what)
    },
    expectNone(): void {
      expect(found).toEqual([])
    },
  }
}

test('every feed is delivered in order of time, after the event, inside the lateness window', () => {
  const { check, expectNone } = problems()
  for (const feed of feeds) {
    const { eventTime, latenessMs, rules } = feed.contract
    const perMs = eventTime.startsWith('observed') || eventTime.startsWith('submitted') ? 1 : 1000
    let last = 0
    let latest = 0
    for (const [i, { row, at }] of seen.get(feed.name)!.entries()) {
      check(at >= last, `${feed.name}: order of delivery at ${i}`)
      last = at
      const time = ms(row[eventTime], perMs)
      check(row['is_forecast'] === true || at >= Math.floor(time), `${feed.name}: delivered before it happened at ${i}`)
      check(time > latest - latenessMs, `${feed.name}: late at ${i}`)
      latest = Math.max(latest, time)
      if (i % 10 === 0) check(brokenRules(row, rules).length === 0, `${feed.name}: broken rule at ${i}`)
    }
    expect(latest).toBeGreaterThan(0)
  }
  expectNone()
})

describe('sales', () => {
  test('amounts add up', () => {
    const { check, expectNone } = problems()
    expect(of('sales_events').length).toBeGreaterThan(50_000)
    for (const { row } of of('sales_events')) {
      const number = String(row['receipt_number'])
      let subtotal = 0
      let discount = 0
      for (const line of row['lines'] as Row[]) {
        const gross = (line['quantity'] as number) * cents(line['unit_price'])
        check(cents(line['line_total']) === gross - cents(line['discount']), `line total of ${number}`)
        const promoted = cents(line['discount']) > 0 && row['sale_type'] === 'SALE'
        check((line['promotion_id'] !== null) === promoted, `promotion of ${number}`)
        subtotal += gross
        discount += cents(line['discount'])
      }
      check(cents(row['subtotal']) === subtotal, `subtotal of ${number}`)
      check(cents(row['discount_total']) === discount, `discount of ${number}`)
      check(cents(row['total']) === subtotal - discount, `total of ${number}`)
      check(cents((row['payment'] as Row)['amount']) === subtotal - discount, `payment of ${number}`)
    }
    expectNone()
  })

  test('refunds give back a receipt of the same store, once', () => {
    const receipts = new Map<string, Row>()
    const refunded = new Set<string>()
    for (const { row } of of('sales_events')) {
      const number = row['receipt_number'] as string
      if (receipts.has(number)) throw new Error(`receipt number ${number} twice`)
      receipts.set(number, row)
      if (row['sale_type'] !== 'REFUND') continue
      const original = receipts.get(row['original_receipt_number'] as string)!
      expect(original['store_id']).toBe(row['store_id'])
      expect(cents(row['total'])).toBeLessThanOrEqual(cents(original['total']))
      expect(refunded.has(original['receipt_number'] as string)).toBe(false)
      refunded.add(original['receipt_number'] as string)
    }
    expect(refunded.size).toBeGreaterThan(100)
    expect(refunded.size / receipts.size).toBeLessThan(0.02)
  })

  test('busy Saturdays, breakfast and lunch; closed at night', () => {
    const byWeekday = new Array<number>(7).fill(0)
    const byHour = new Array<number>(24).fill(0)
    for (const { row } of of('sales_events')) {
      const time = new Date(ms(row['sold_at']))
      byWeekday[time.getUTCDay()]!++
      byHour[time.getUTCHours()]!++
    }
    expect(byWeekday[6]! / byWeekday[2]!).toBeGreaterThan(1.3)
    expect(byWeekday[0]!).toBeLessThan(byWeekday[5]!)
    expect(byHour[7]!).toBeGreaterThan(2 * byHour[14]!)
    expect(byHour.slice(0, 4)).toEqual([0, 0, 0, 0])
    expect(byHour[23]).toBe(0)
  })

  test('prices change over time, the same in all stores at any moment', () => {
    const last = new Map<string, number>()
    let changes = 0
    for (const { row } of [...of('sales_events')].sort((a, b) => ms(a.row['sold_at']) - ms(b.row['sold_at']))) {
      if (row['sale_type'] !== 'SALE') continue
      for (const line of row['lines'] as Row[]) {
        const price = cents(line['unit_price'])
        const before = last.get(line['product_id'] as string)
        if (before !== undefined && before !== price) {
          changes++
          expect(Math.abs(price / before - 1)).toBeLessThan(0.15)
        }
        last.set(line['product_id'] as string, price)
      }
    }
    expect(changes).toBeGreaterThan(3)
    expect(changes).toBeLessThan(60)
  })

  test('members come back', () => {
    const visits = new Map<unknown, number>()
    for (const { row } of of('sales_events')) visits.set(row['customer_id'], (visits.get(row['customer_id']) ?? 0) + 1)
    visits.delete(null)
    const counts = [...visits.values()].sort((a, b) => b - a)
    expect(counts.length).toBeGreaterThan(2000)
    expect(counts[0]!).toBeGreaterThan(5 * counts[Math.floor(counts.length / 2)]!)
  })
})

describe('promotions', () => {
  test('move only along their life, and discounts are given only while they are active', () => {
    const next: Record<string, readonly string[]> = {
      PLANNED: ['ACTIVE', 'CANCELLED'],
      ACTIVE: ['PAUSED', 'ENDED'],
      PAUSED: ['ACTIVE', 'ENDED'],
      ENDED: [],
      CANCELLED: [],
    }
    const status = new Map<string, string>()
    const changes: { id: string; at: number; row: Row }[] = []
    for (const { row } of of('promotions')) {
      const id = row['promotion_id'] as string
      const before = status.get(id)
      if (before === undefined) expect(row['status']).toBe('PLANNED')
      else expect(next[before]).toContain(row['status'])
      status.set(id, row['status'] as string)
      changes.push({ id, at: ms(row['updated_at']), row })
    }
    expect(new Set(status.values()).size).toBeGreaterThan(2)
    let discounted = 0
    for (const { row } of of('sales_events')) {
      for (const line of row['lines'] as Row[]) {
        if (line['promotion_id'] === null) continue
        discounted++
        if (discounted % 20 !== 0) continue
        const soldAt = ms(row['sold_at'])
        // States take effect on the hour and are announced within five seconds.
        const state = changes.filter((c) => c.id === line['promotion_id'] && c.at <= soldAt + 5000).at(-1)!
        expect(state.row['status']).toBe('ACTIVE')
        expect(state.row['product_ids']).toContain(line['product_id'])
        const stores = state.row['store_ids'] as string[]
        if (stores.length > 0) expect(stores).toContain(row['store_id'])
      }
    }
    expect(discounted).toBeGreaterThan(1000)
  })

  test('sell more of what they promote', () => {
    const active = new Map<string, [from: number, to: number][]>()
    for (const { row } of of('promotions')) {
      if ((row['store_ids'] as string[]).length > 0 || row['coupon_code'] !== null) continue
      const at = ms(row['updated_at'])
      for (const product of row['product_ids'] as string[]) {
        const spans = active.get(product) ?? []
        active.set(product, spans)
        if (row['status'] === 'ACTIVE') spans.push([at, Infinity])
        else if (spans.length > 0 && spans.at(-1)![1] === Infinity) spans.at(-1)![1] = at
      }
    }
    const ratios: number[] = []
    for (const [product, spans] of active) {
      const inside = (t: number) => spans.some(([from, to]) => t >= from && t < to)
      let [soldIn, allIn, soldOut, allOut] = [0, 0, 0, 0]
      for (const { row } of of('sales_events')) {
        const promoted = inside(ms(row['sold_at']))
        const has = (row['lines'] as Row[]).some((line) => line['product_id'] === product) ? 1 : 0
        if (promoted) {
          soldIn += has
          allIn++
        } else {
          soldOut += has
          allOut++
        }
      }
      if (allIn < 3000 || allOut < 3000) continue
      ratios.push(soldIn / allIn / (soldOut / allOut))
    }
    expect(ratios.length).toBeGreaterThan(3)
    // Uplifts are 1.5 to 1.8; sold-out shelves and other promotions of the same time take some of it.
    expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length).toBeGreaterThan(1.15)
  })
})

describe('inventory', () => {
  test('sequences have no holes and stock follows the movements', () => {
    const { check, expectNone } = problems()
    const shelves = new Map<string, Row[]>()
    for (const { row } of of('inventory_updates')) {
      const shelf = `${row['store_id'] as string}/${row['product_id'] as string}`
      const rows = shelves.get(shelf)
      if (rows === undefined) shelves.set(shelf, [row])
      else rows.push(row)
    }
    expect(shelves.size).toBe(12 * 24)
    for (const rows of shelves.values()) {
      rows.sort((a, b) => Number((a['sequence'] as bigint) - (b['sequence'] as bigint)))
      let stock = rows[0]!['quantity_on_hand'] as number
      for (const [i, row] of rows.entries()) {
        if (i > 0 && row['sequence'] !== (rows[i - 1]!['sequence'] as bigint) + 1n) break // the rest is still on its way
        const shelf = `${row['store_id'] as string}/${row['product_id'] as string} at ${row['sequence'] as bigint}`
        const onHand = row['quantity_on_hand'] as number
        check(onHand >= 0, `negative stock: ${shelf}`)
        if (i > 0) {
          check((row['occurred_at'] as bigint) >= (rows[i - 1]!['occurred_at'] as bigint), `order of ${shelf}`)
          stock += row['quantity_delta'] as number
        }
        // Sales of the hour so far are on the shelf count but not yet among the deltas.
        check(onHand <= stock, `more than moved: ${shelf}`)
        if (row['update_type'] === 'SOLD') check(onHand === stock, `stock after sales: ${shelf}`)
      }
    }
    expectNone()
  })

  test('what tills sold is what shelves lost', () => {
    const until = Math.max(...of('inventory_updates').map(({ row }) => ms(row['occurred_at']))) - 50 * hourMs
    const sold = new Map<string, number>()
    const add = (key: string, pieces: number) => sold.set(key, (sold.get(key) ?? 0) + pieces)
    const dayOf = (at: number) => Math.floor((at - 1) / dayMs)
    for (const { row } of of('sales_events')) {
      if (row['sale_type'] !== 'SALE' || ms(row['sold_at']) >= Math.floor(until / dayMs) * dayMs) continue
      for (const line of row['lines'] as Row[]) {
        add(
          `${row['store_id'] as string}/${line['product_id'] as string}/${dayOf(ms(row['sold_at']))}`,
          line['quantity'] as number,
        )
      }
    }
    for (const { row } of of('inventory_updates')) {
      if (row['update_type'] !== 'SOLD' || dayOf(ms(row['occurred_at'])) >= Math.floor(until / dayMs)) continue
      add(
        `${row['store_id'] as string}/${row['product_id'] as string}/${dayOf(Math.floor(ms(row['occurred_at'])))}`,
        row['quantity_delta'] as number,
      )
    }
    expect([...sold.values()].filter((difference) => difference !== 0)).toEqual([])
  })

  test('arrives up to 48 hours late, mostly soon', () => {
    const delays = of('inventory_updates')
      .map(({ row, at }) => at - ms(row['occurred_at']))
      .sort((a, b) => a - b)
    expect(delays.at(-1)!).toBeLessThan(48 * hourMs)
    expect(delays.at(-1)!).toBeGreaterThan(40 * hourMs)
    expect(delays[Math.floor(delays.length / 2)]!).toBeLessThan(5 * 60_000)
    const late = delays.filter((delay) => delay > 2 * hourMs).length / delays.length
    expect(late).toBeCloseTo(0.05, 1)
  })
})

describe('feedback', () => {
  test('is about real receipts', () => {
    const receipts = new Map(of('sales_events').map(({ row }) => [row['receipt_number'], row]))
    let checked = 0
    for (const { row } of of('customer_feedback')) {
      if (row['receipt_number'] === null) continue
      const receipt = receipts.get(row['receipt_number'])!
      expect(receipt['store_id']).toBe(row['store_id'])
      expect(receipt['customer_id']).toBe(row['customer_id'])
      expect(ms(row['submitted_at'], 1)).toBeGreaterThan(ms(receipt['sold_at']))
      if (row['product_id'] !== null) {
        expect((receipt['lines'] as Row[]).map((line) => line['product_id'])).toContain(row['product_id'])
      }
      checked++
    }
    expect(checked).toBeGreaterThan(1000)
    const mean =
      of('customer_feedback').reduce((sum, { row }) => sum + (row['rating'] as number), 0) /
      of('customer_feedback').length
    expect(mean).toBeGreaterThan(3)
    expect(mean).toBeLessThan(4.8)
  })
})

describe('equipment', () => {
  test('wears out, breaks, is repaired, and says why', () => {
    const { check, expectNone } = problems()
    const next: Record<string, readonly string[]> = { FAULT: ['FAULT', 'MAINTENANCE'] }
    const last = new Map<string, Row>()
    let faults = 0
    const vibration = { before: 0, n: 0, all: 0, m: 0 }
    for (const { row } of [...of('equipment_metrics')].sort((a, b) =>
      Number((a.row['measured_at'] as bigint) - (b.row['measured_at'] as bigint)),
    )) {
      const id = row['equipment_id'] as string
      const before = last.get(id)
      if (before !== undefined) {
        check((row['run_seconds'] as bigint) >= (before['run_seconds'] as bigint), `${id}: run seconds fall`)
        check((row['cycle_count'] as bigint) >= (before['cycle_count'] as bigint), `${id}: cycles fall`)
        const allowed = next[before['status'] as string] ?? [row['status']]
        check(
          allowed.includes(row['status'] as string),
          `${id}: ${before['status'] as string} to ${row['status'] as string}`,
        )
        if (row['status'] === 'FAULT' && before['status'] === 'RUNNING') {
          faults++
          if (before['vibration_mm_s'] !== null) {
            vibration.before += before['vibration_mm_s'] as number
            vibration.n++
          }
        }
      }
      if (row['vibration_mm_s'] !== null && row['status'] === 'RUNNING') {
        vibration.all += row['vibration_mm_s'] as number
        vibration.m++
      }
      check((row['error_codes'] as string[]).length > 0 === (row['status'] === 'FAULT'), `${id}: error codes`)
      last.set(id, row)
    }
    expectNone()
    expect(faults).toBeGreaterThan(20)
    expect(vibration.n).toBeGreaterThan(3)
    // What maintenance prediction must be able to see: worn machines shake more before they fail.
    expect(vibration.before / vibration.n).toBeGreaterThan((1.3 * vibration.all) / vibration.m)
  })
})

describe('weather', () => {
  test('one observation per store and hour, forecasts six hours ahead, winter in January', () => {
    const observed = of('weather_data').filter(({ row }) => row['is_forecast'] === false)
    const places = new Set(observed.map(({ row }) => `${row['store_id'] as string}/${row['observed_at'] as bigint}`))
    expect(places.size).toBe(observed.length)
    expect(observed.length).toBeGreaterThan(28 * 24 * 12 - 20)
    const mean = observed.reduce((sum, { row }) => sum + (row['temperature_c'] as number), 0) / observed.length
    expect(mean).toBeGreaterThan(-6)
    expect(mean).toBeLessThan(9)
    for (const { row } of observed) {
      const wet = ['DRIZZLE', 'RAIN', 'SNOW', 'THUNDERSTORM'].includes(row['condition'] as string)
      expect((row['precipitation_mm'] as number) > 0).toBe(wet)
    }
  })

  test('July is warmer than January, and sells more iced tea', () => {
    const share = (start: string) => {
      const simulation = createSimulation(['bakery.sales_events', 'bakery.weather_data'], {
        start,
        forMs: 3 * dayMs,
        faults: noFaults,
        hashRows: false,
      })
      let [tea, lines, heat, readings] = [0, 0, 0, 0]
      for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) {
        for (const { topic, row } of batch) {
          if (topic === 'bakery.weather_data') {
            heat += row!['temperature_c'] as number
            readings++
          } else {
            for (const line of row!['lines'] as Row[]) {
              lines++
              if (line['product_id'] === 'PROD-0023') tea++
            }
          }
        }
      }
      return { tea: tea / lines, temperature: heat / readings }
    }
    const january = share('2026-01-05T00:00:00Z')
    const july = share('2026-07-06T00:00:00Z')
    expect(july.temperature - january.temperature).toBeGreaterThan(10)
    expect(july.tea).toBeGreaterThan(2 * january.tea)
  })

  test('storms keep customers at home', () => {
    const stormy = new Set<string>()
    const fair = new Set<string>()
    for (const { row } of of('weather_data')) {
      if (row['is_forecast'] === true) continue
      const place = `${row['store_id'] as string}/${Math.floor(ms(row['observed_at'], 1) / hourMs)}`
      if (['RAIN', 'SNOW', 'THUNDERSTORM'].includes(row['condition'] as string)) stormy.add(place)
      if (row['condition'] === 'CLEAR' || row['condition'] === 'CLOUDY') fair.add(place)
    }
    const daytime = (hours: Set<string>) =>
      [...hours].filter((place) => {
        const h = Number(place.split('/')[1]) % 24
        return h >= 8 && h < 12
      })
    const sales = new Map<string, number>()
    for (const { row } of of('sales_events')) {
      const place = `${row['store_id'] as string}/${Math.floor(ms(row['sold_at']) / hourMs)}`
      sales.set(place, (sales.get(place) ?? 0) + 1)
    }
    const mean = (places: string[]) => places.reduce((sum, place) => sum + (sales.get(place) ?? 0), 0) / places.length
    expect(daytime(stormy).length).toBeGreaterThan(50)
    expect(mean(daytime(stormy))).toBeLessThan(0.95 * mean(daytime(fair)))
  })
})
