import type { ColumnBatch } from '@sluice/columnar'
import type { PartitionId, SinkBatch } from '@sluice/ingest-core'
import {
  createGroupedTotals,
  createTumblingWindows,
  type GroupTotal,
  type WindowCounts,
  type WindowOptions,
  type WindowResult,
} from '@sluice/windows'

const minute = 60_000
const time = 'timestamp'
const purchases = { column: 'event_type', oneOf: ['PURCHASE'] }

/** The windowed aggregates of the shop; the lateness is that of the contract. */
const windowSettings = {
  events_per_minute: { sizeMs: minute, groupBy: ['event_type'], aggregates: { events: 'count' } },
  category_revenue: {
    sizeMs: 5 * minute,
    groupBy: ['category'],
    where: purchases,
    aggregates: { purchases: 'count', revenue: { sum: 'price' }, mean_price: { mean: 'price' } },
  },
  device_distribution: { sizeMs: 10 * minute, groupBy: ['device_type'], aggregates: { events: 'count' } },
} as const satisfies Record<string, Omit<WindowOptions, 'time' | 'latenessMs'>>

export type ShopWindowName = keyof typeof windowSettings
export const shopWindowNames = Object.keys(windowSettings) as readonly ShopWindowName[]

/** A window that is over, with the name of its aggregate. */
export interface ShopWindow extends WindowResult {
  readonly window: ShopWindowName
}

export interface ShopTotals {
  readonly records: number
  readonly refused: number
  readonly byType: readonly GroupTotal[]
  readonly byDevice: readonly GroupTotal[]
  readonly byCountry: readonly GroupTotal[]
  /** By id of the schema they were written with. */
  readonly bySchema: readonly GroupTotal[]
  readonly revenue: number
  /** Purchases per item put in a cart; null without any. */
  readonly conversion: number | null
  /** Of one of the windowed aggregates: late and untimed rows are the same in all. */
  readonly windowed: WindowCounts
}

export interface ShopAnalytics {
  /** A partition takes part: its silence holds windows open. */
  expect(partition: PartitionId): void
  add(batch: SinkBatch): void
  /** A partition that has nothing to say for a while does not hold windows open. */
  idle(partition: PartitionId): void
  /** Ends all windows. */
  close(): void
  totals(): ShopTotals
}

/**
 * Counts, conversion, revenue and windowed aggregates over the shop's events as they come, whatever schema version wrote
 * them: what version 1 does not know is null, and a group of its own.
 */
export function createShopAnalytics(latenessMs: number, onWindow: (window: ShopWindow) => void): ShopAnalytics {
  const windows = shopWindowNames.map((name) => ({
    name,
    windows: createTumblingWindows({ ...windowSettings[name], time, latenessMs }),
  }))
  const counting = (column: string) => createGroupedTotals({ groupBy: [column], aggregates: { events: 'count' } })
  const byType = counting('event_type')
  const byDevice = counting('device_type')
  const byCountry = counting('country')
  const bySchema = counting('_schema_id')
  const revenue = createGroupedTotals({ where: purchases, aggregates: { revenue: { sum: 'price' } } })
  const all = [byType, byDevice, byCountry, bySchema, revenue]
  let records = 0
  let refused = 0

  const nameOf = ({ topic, partition }: PartitionId): string => `${topic}/${partition}`

  function tell(name: ShopWindowName, results: readonly WindowResult[]): void {
    for (const result of results) onWindow({ window: name, ...result })
  }

  function addRows(source: string, batch: ColumnBatch): void {
    for (const total of all) total.add(batch)
    for (const { name, windows: each } of windows) tell(name, each.add(source, batch))
  }

  const eventsOf = (type: string): number =>
    byType.results().find(({ group }) => group['event_type'] === type)?.values['events'] ?? 0

  return {
    expect(partition) {
      for (const { windows: each } of windows) each.expect(nameOf(partition))
    },
    add({ partition, batch, consumed, rejects }) {
      records += consumed
      refused += rejects.length
      addRows(nameOf(partition), batch)
    },
    idle(partition) {
      for (const { name, windows: each } of windows) tell(name, each.idle(nameOf(partition)))
    },
    close() {
      for (const { name, windows: each } of windows) tell(name, each.close())
    },
    totals() {
      const added = eventsOf('ADD_TO_CART')
      return {
        records,
        refused,
        byType: byType.results(),
        byDevice: byDevice.results(),
        byCountry: byCountry.results(),
        bySchema: bySchema.results(),
        revenue: revenue.results()[0]?.values['revenue'] ?? 0,
        conversion: added === 0 ? null : eventsOf('PURCHASE') / added,
        windowed: windows[0]!.windows.counts,
      }
    },
  }
}
