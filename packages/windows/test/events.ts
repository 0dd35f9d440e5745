import { batchFromRows, type ColumnBatch, type Schema } from '@sluice/columnar'

export interface Event {
  readonly at: number
  readonly kind: 'view' | 'buy' | null
  readonly shop: string | null
  readonly price: number | null
}

export const schema: Schema = {
  fields: [
    { name: 'at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false },
    { name: 'kind', type: { kind: 'enum', symbols: ['view', 'buy'] }, nullable: true },
    { name: 'shop', type: { kind: 'utf8' }, nullable: true },
    { name: 'price', type: { kind: 'float64' }, nullable: true },
  ],
}

export function batchOf(events: readonly Event[]): ColumnBatch {
  return batchFromRows(
    schema,
    events.map((event) => ({ ...event, at: BigInt(event.at) })),
  )
}

/** 2026-01-05 00:00 UTC, a whole number of every window used here. */
export const START = Date.UTC(2026, 0, 5)

export const event = (seconds: number, more: Partial<Event> = {}): Event => ({
  at: START + seconds * 1000,
  kind: 'view',
  shop: 'a',
  price: 1,
  ...more,
})
