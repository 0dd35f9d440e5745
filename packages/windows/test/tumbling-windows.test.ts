import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createGroupedTotals,
  createTumblingWindows,
  WindowError,
  type WindowOptions,
  type WindowResult,
} from '@sluice/windows'
import { batchOf, event, START, type Event } from './events.ts'

const minute = 60_000
const options: WindowOptions = {
  sizeMs: minute,
  latenessMs: 2 * minute,
  time: 'at',
  groupBy: ['kind', 'shop'],
  aggregates: {
    events: 'count',
    revenue: { sum: 'price' },
    mean: { mean: 'price' },
    least: { min: 'price' },
    most: { max: 'price' },
  },
}
const counting: WindowOptions = { ...options, groupBy: [], aggregates: { events: 'count' } }
const startsOf = (results: readonly WindowResult[]) =>
  results.map(({ start, values }) => [(start - START) / minute, values['events']])

describe('windows', () => {
  it('are told once, when the watermark has passed their end', () => {
    const windows = createTumblingWindows(counting)
    expect(windows.watermark).toBe(-Infinity)
    expect(windows.add('p0', batchOf([event(0), event(59), event(60)]))).toEqual([])
    expect(windows.add('p0', batchOf([event(179.999)]))).toEqual([])
    expect(startsOf(windows.add('p0', batchOf([event(180)])))).toEqual([[0, 2]])
    expect(windows.watermark).toBe(START + minute)
    expect(startsOf(windows.close())).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ])
    expect(windows.close()).toEqual([])
    expect(() => windows.add('p0', batchOf([]))).toThrow(expect.objectContaining({ code: 'WINDOWS_CLOSED' }))
  })

  it('count a row whose window is over as late, and nothing else of it', () => {
    const windows = createTumblingWindows(counting)
    // The third row comes behind the second in the same batch: late, though the window has not been told yet.
    expect(startsOf(windows.add('p0', batchOf([event(0), event(180), event(30)])))).toEqual([[0, 1]])
    expect(windows.add('p0', batchOf([event(59.999), event(60)]))).toEqual([])
    expect(windows.counts).toEqual({ rows: 5, late: 2, untimed: 0, filtered: 0 })
    expect(startsOf(windows.close())).toEqual([
      [1, 1],
      [3, 1],
    ])
  })

  it('wait for the slowest source that is expected, until it is idle', () => {
    const windows = createTumblingWindows(counting)
    windows.expect('p0')
    windows.expect('p1')
    expect(windows.add('p0', batchOf([event(0), event(600)]))).toEqual([])
    expect(windows.watermark).toBe(-Infinity)
    expect(windows.add('p1', batchOf([event(10)]))).toEqual([])
    expect(startsOf(windows.idle('p1'))).toEqual([[0, 2]])
    // It speaks again: what is over stays over, what is not is held open.
    expect(windows.add('p1', batchOf([event(20), event(490)]))).toEqual([])
    expect(windows.counts.late).toBe(1)
    expect(windows.watermark).toBe(START + 480_000)
  })

  it('leave out rows without a usable time: one wild clock does not close every window', () => {
    const windows = createTumblingWindows(counting)
    expect(
      windows.add('p0', batchOf([event(0), { ...event(0), at: Date.UTC(2400, 0, 1) }, { ...event(0), at: -5 }])),
    ).toEqual([])
    expect(windows.counts).toEqual({ rows: 3, late: 0, untimed: 2, filtered: 0 })
    expect(windows.watermark).toBe(START - 2 * minute)
  })

  it('group by enum and text, null being a value, and leave nulls out of sums', () => {
    const windows = createTumblingWindows(options)
    windows.add(
      'p0',
      batchOf([
        event(1, { price: 0.1 }),
        event(2, { price: 0.2 }),
        event(3, { kind: null, shop: null, price: null }),
        event(4, { shop: 'ä', price: -3 }),
      ]),
    )
    windows.add('p0', batchOf([event(5, { price: 0.3 }), event(6, { price: null })]))
    expect(windows.close().map(({ group, values }) => ({ ...group, ...values }))).toEqual([
      { kind: null, shop: null, events: 1, revenue: null, mean: null, least: null, most: null },
      { kind: 'view', shop: 'a', events: 4, revenue: 0.6, mean: 0.6 / 3, least: 0.1, most: 0.3 },
      { kind: 'view', shop: 'ä', events: 1, revenue: -3, mean: -3, least: -3, most: -3 },
    ])
  })

  it('take only the rows that are asked for', () => {
    const windows = createTumblingWindows({ ...counting, where: { column: 'kind', oneOf: ['buy'] } })
    const rows = [event(0), event(1, { kind: 'buy' }), event(2, { kind: null }), event(500)]
    // A row that is left out still moves the watermark.
    expect(startsOf(windows.add('p0', batchOf(rows)))).toEqual([[0, 1]])
    expect(windows.counts.filtered).toBe(3)
    expect(windows.close()).toEqual([])
  })

  it('refuse what cannot be, by code', () => {
    const code = (run: () => unknown): string => {
      try {
        run()
      } catch (error) {
        if (error instanceof WindowError) return error.code
        throw error
      }
      return 'none'
    }
    const make = (more: Partial<WindowOptions>) => code(() => createTumblingWindows({ ...options, ...more }))
    expect(make({ sizeMs: 0 })).toBe('WINDOW_OPTIONS_INVALID')
    expect(make({ latenessMs: -1 })).toBe('WINDOW_OPTIONS_INVALID')
    expect(make({ aggregates: {} })).toBe('WINDOW_OPTIONS_INVALID')
    expect(make({ aggregates: { kind: 'count' } })).toBe('WINDOW_OPTIONS_INVALID')
    expect(make({ timeRange: { min: 1, max: 1 } })).toBe('WINDOW_OPTIONS_INVALID')
    const add = (more: Partial<WindowOptions>) =>
      code(() => createTumblingWindows({ ...options, ...more }).add('p0', batchOf([event(0)])))
    expect(add({ groupBy: ['nothing'] })).toBe('WINDOW_COLUMN_UNSUITABLE')
    expect(add({ groupBy: ['price'] })).toBe('WINDOW_COLUMN_UNSUITABLE')
    expect(add({ time: 'shop' })).toBe('WINDOW_COLUMN_UNSUITABLE')
    expect(add({ aggregates: { n: { sum: 'shop' } } })).toBe('WINDOW_COLUMN_UNSUITABLE')
    expect(add({ where: { column: 'price', oneOf: [] } })).toBe('WINDOW_COLUMN_UNSUITABLE')
    const few = createTumblingWindows({ ...options, maxCells: 2 })
    expect(code(() => few.add('p0', batchOf([event(0), event(1, { shop: 'b' }), event(2, { shop: 'c' })])))).toBe(
      'WINDOWS_FULL',
    )
  })
})

/** All rows at once, row by row, in a way that shares nothing with the columns. */
function recompute(events: readonly Event[]): unknown[] {
  const cells = new Map<string, { start: number; kind: Event['kind']; shop: Event['shop']; rows: Event[] }>()
  for (const one of events) {
    const start = one.at - (((one.at % minute) + minute) % minute)
    const key = JSON.stringify([start, one.kind, one.shop])
    const cell = cells.get(key) ?? { start, kind: one.kind, shop: one.shop, rows: [] }
    cell.rows.push(one)
    cells.set(key, cell)
  }
  return [...cells.values()].map(({ start, kind, shop, rows }) => {
    // Prices are whole quarters: their sum is exact however it is made.
    const prices = rows.flatMap(({ price }) => (price === null ? [] : [price]))
    const revenue = prices.length === 0 ? null : prices.reduce((sum, price) => sum + price, 0)
    return JSON.stringify([start, kind, shop, rows.length, revenue, revenue === null ? null : revenue / prices.length])
  })
}

const flat = (results: readonly WindowResult[]) =>
  results.map(({ start, group, values }) =>
    JSON.stringify([start, group['kind'], group['shop'], values['events'], values['revenue'], values['mean']]),
  )

const events = fc.array(
  fc.record<Event>({
    at: fc.integer({ min: START, max: START + 15 * minute }),
    kind: fc.constantFrom('view', 'buy', null),
    shop: fc.constantFrom('a', 'b', 'ü', null),
    price: fc.option(
      fc.integer({ min: -400, max: 4000 }).map((n) => n / 4),
      { nil: null },
    ),
  }),
  { maxLength: 120 },
)

/** An order in which no event comes later than the lateness: each is delayed by less than that. */
const arrivals = fc.tuple(events, fc.infiniteStream(fc.integer({ min: 0, max: 2 * minute - 1 }))).map(([all, delays]) =>
  all
    .map((one) => ({ one, arrives: one.at + delays.next().value! }))
    .sort((a, b) => a.arrives - b.arrives)
    .map(({ one }) => one),
)

/** Cuts a list into batches. */
function cut<T>(all: readonly T[], sizes: Iterator<number>): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < all.length;) {
    const size = sizes.next().value as number
    parts.push(all.slice(at, at + size))
    at += size
  }
  return parts
}

describe('whatever the order of arrival inside the lateness', () => {
  it('results equal those of all rows at once, each told once, over any sources and batches', () => {
    fc.assert(
      fc.property(
        fc.array(arrivals, { minLength: 1, maxLength: 3 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
        fc.infiniteStream(fc.nat()),
        (sources, sizes, picks) => {
          const windows = createTumblingWindows(options)
          sources.forEach((_, s) => windows.expect(`p${s}`))
          const queues = sources.map((all) => cut(all, sizes))
          const results: WindowResult[] = []
          while (queues.some((queue) => queue.length > 0)) {
            const waiting = queues.flatMap((queue, s) => (queue.length > 0 ? [s] : []))
            const s = waiting[picks.next().value! % waiting.length]!
            results.push(...windows.add(`p${s}`, batchOf(queues[s]!.shift()!)))
          }
          results.push(...windows.close())
          expect(windows.counts.late).toBe(0)
          expect(flat(results).sort()).toEqual(recompute(sources.flat()).sort())
        },
      ),
      { seed: 20_261_125, numRuns: 300 },
    )
  })

  it('late rows are the same however one source is cut into batches, and conserved', () => {
    fc.assert(
      fc.property(events, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (all, sizes) => {
        const run = (parts: readonly Event[][]) => {
          const windows = createTumblingWindows({ ...options, latenessMs: 0 })
          const results = parts.flatMap((part) => windows.add('p0', batchOf(part)))
          results.push(...windows.close())
          const told = results.reduce((sum, { values }) => sum + values['events']!, 0)
          expect(told + windows.counts.late).toBe(all.length)
          return { results: flat(results), late: windows.counts.late }
        }
        expect(run(cut(all, sizes))).toEqual(run([all]))
      }),
      { seed: 7, numRuns: 300 },
    )
  })
})

it('totals are the aggregates without windows', () => {
  fc.assert(
    fc.property(events, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (all, sizes) => {
      const totals = createGroupedTotals({
        groupBy: ['shop', 'kind'],
        aggregates: { events: 'count', revenue: { sum: 'price' } },
      })
      for (const part of cut(all, sizes)) totals.add(batchOf(part))
      const found = totals
        .results()
        .map(({ group, values }) => JSON.stringify([group['shop'], group['kind'], values['events'], values['revenue']]))
      const expected = new Map<string, [string | null, string | null, number, number | null]>()
      for (const { shop, kind, price } of all) {
        const key = JSON.stringify([shop, kind])
        const [, , count, sum] = expected.get(key) ?? [shop, kind, 0, null]
        expected.set(key, [shop, kind, count + 1, price === null ? sum : (sum ?? 0) + price])
      }
      expect(found.sort()).toEqual([...expected.values()].map((row) => JSON.stringify(row)).sort())
    }),
    { seed: 3 },
  )
})
