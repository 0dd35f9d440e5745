import type { Row } from '../domain.ts'
import type { Random } from '../prng.ts'
import { decimal, micros } from '../values.ts'
import { compactDate, hourMs, localDay, localHour, minuteMs, weekday, weekdayDemand } from './calendar.ts'
import { cities, products, type Store } from './entities.ts'
import { uuid } from '../uuid.ts'

type UpdateType = 'BAKED' | 'DELIVERED' | 'SOLD' | 'WASTED' | 'TRANSFER_IN' | 'TRANSFER_OUT' | 'COUNTED'

/** Most that an update arrives after it happened: inside the 48 hours of the contract. */
export const maxInventoryDelayMs = 47.5 * hourMs

/** How long a scanner keeps an update: mostly seconds, sometimes until it finds a network, up to two days. */
export function inventoryDelay(random: Random): number {
  const u = random.float()
  if (u < 0.8) return random.between(1000, 90_000)
  if (u < 0.95) return random.between(2 * minuteMs, 2 * hourMs)
  if (u < 0.993) return random.between(2 * hourMs, 24 * hourMs)
  return random.between(24 * hourMs, maxInventoryDelayMs)
}

const wasteReasons = ['unsold', 'unsold', 'unsold', 'donated', 'damaged', 'burnt']

/** Stock per store and product, moved by baking, deliveries, sales, waste, transfers and counts. */
export function createInventory(options: {
  readonly random: Random
  readonly stores: readonly Store[]
  /** Pieces of a product that a store expects to sell on a mean day, promotions of now included. */
  readonly dailyDemand: (store: Store, product: number) => number
  readonly ovenShare: (store: number) => number
  readonly emit: (row: Row, at: number) => void
}) {
  const { random, stores, dailyDemand, ovenShare, emit } = options
  const n = products.length
  const onHand = new Int32Array(stores.length * n)
  const soldSince = new Int32Array(stores.length * n)
  const sequence = new Float64Array(stores.length * n)
  /** Time of the newest movement: the next one of the same shelf is later. */
  const movedAt = new Float64Array(stores.length * n)

  function update(
    type: UpdateType,
    store: Store,
    product: number,
    delta: number,
    wantedAt: number,
    reason: string | null,
  ): void {
    const i = store.index * n + product
    const at = Math.max(wantedAt, movedAt[i]! + 1)
    movedAt[i] = at
    const item = products[product]!
    const day = localDay(at, cities[store.city]!.utcOffset)
    const baked = type === 'BAKED'
    const produced = baked || type === 'DELIVERED'
    const recordedAt = at + random.between(500, 240_000)
    sequence[i] = sequence[i]! + 1
    emit(
      {
        event_id: uuid(random),
        store_id: store.id,
        product_id: item.id,
        update_type: type,
        quantity_delta: delta,
        quantity_on_hand: onHand[i]!,
        unit_cost: produced ? decimal(Math.round(item.cost * 100 * random.range(0.96, 1.06)), 4) : null,
        reason,
        bake_batch_id: baked ? `BAKE-${store.id.slice(6)}-${compactDate(day)}-${localHour(at, 0)}` : null,
        produced_on: produced ? (item.delivered ? day - random.between(2, 10) : day) : null,
        best_before: produced ? day + item.shelfDays : null,
        recorded_by: type === 'SOLD' ? null : random.pick(store.staff),
        sequence: BigInt(sequence[i]!),
        occurred_at: micros(at, random.int(1000)),
        recorded_at: micros(recordedAt, 999),
      },
      Math.max(recordedAt + 100, at + inventoryDelay(random)),
    )
  }

  function add(
    type: UpdateType,
    store: Store,
    product: number,
    pieces: number,
    at: number,
    reason: string | null,
  ): void {
    const i = store.index * n + product
    onHand[i] = onHand[i]! + pieces
    update(type, store, product, pieces, at, reason)
  }

  /** Fills the shelf up to `share` of a day's demand, as far as ovens allow. */
  function bake(store: Store, share: number, at: number): void {
    const day = localDay(at, cities[store.city]!.utcOffset)
    const able = ovenShare(store.index)
    for (const product of products) {
      if (product.delivered) continue
      const target = dailyDemand(store, product.index) * weekdayDemand[weekday(day)]! * share * random.range(0.92, 1.18)
      const missing = Math.ceil((target - onHand[store.index * n + product.index]!) * able)
      if (missing > 2) add('BAKED', store, product.index, missing, at + random.int(40 * minuteMs), null)
    }
  }

  function deliver(store: Store, at: number): void {
    for (const product of products) {
      if (!product.delivered) continue
      const target = dailyDemand(store, product.index) * 5
      const missing = Math.ceil(target - onHand[store.index * n + product.index]!)
      if (missing > 5) add('DELIVERED', store, product.index, missing, at + random.int(30 * minuteMs), null)
    }
  }

  function waste(store: Store, at: number): void {
    for (const product of products) {
      const left = onHand[store.index * n + product.index]!
      if (product.delivered || left === 0) continue
      const share = product.shelfDays === 1 ? random.range(0.75, 1) : random.range(0, 0.5) / product.shelfDays
      const pieces = Math.min(left, Math.round(left * share * (1.4 - store.care * 0.5)))
      if (pieces > 0)
        add('WASTED', store, product.index, -pieces, at + random.int(20 * minuteMs), random.pick(wasteReasons))
    }
  }

  function count(store: Store, at: number): void {
    for (const product of products) {
      const left = onHand[store.index * n + product.index]!
      const loss = random.chance(0.15) ? Math.min(left, random.between(1, 3)) : 0
      add('COUNTED', store, product.index, -loss, at + random.int(30 * minuteMs), loss > 0 ? 'shrinkage' : null)
    }
  }

  /** One product moves from the fullest shelf of a town to an empty one. */
  function transfer(to: Store, at: number): void {
    const product = random.int(n)
    if (onHand[to.index * n + product]! > 0) return
    for (const from of stores) {
      const spare = onHand[from.index * n + product]!
      if (from.city !== to.city || from === to || spare < 20) continue
      const pieces = Math.floor(spare / 3)
      add('TRANSFER_OUT', from, product, -pieces, at + random.between(41, 45) * minuteMs, null)
      add('TRANSFER_IN', to, product, pieces, at + random.between(50, 58) * minuteMs, null)
      return
    }
  }

  return {
    available: (store: number, product: number): number => onHand[store * n + product]!,
    /** Takes pieces off the shelf; reported by the next hourly SOLD update. */
    sell(store: number, product: number, pieces: number): void {
      const i = store * n + product
      onHand[i] = onHand[i]! - pieces
      soldSince[i] = soldSince[i]! + pieces
    },
    /** Opening count, so that a run may begin at any hour of the day. */
    begin(at: number): void {
      for (const store of stores) {
        for (const product of products) {
          const stock = Math.ceil(dailyDemand(store, product.index) * (product.delivered ? 4 : 0.8))
          onHand[store.index * n + product.index] = stock
          update('COUNTED', store, product.index, 0, at, 'opening count')
        }
      }
    },
    nextHour(at: number): void {
      for (const store of stores) {
        const offset = cities[store.city]!.utcOffset
        const hour = localHour(at, offset)
        const dow = weekday(localDay(at, offset))
        const closes = dow === 6 ? 13 : store.closes
        for (let p = 0; p < n; p++) {
          const sold = soldSince[store.index * n + p]!
          if (sold === 0) continue
          soldSince[store.index * n + p] = 0
          update('SOLD', store, p, -sold, at, null)
        }
        if (hour === store.opens - 2) bake(store, 0.62, at)
        if (hour === 10 || (hour === 14 && dow !== 6)) bake(store, hour === 10 ? 0.45 : 0.3, at)
        if (hour === 4 && (dow === 1 || dow === 4)) deliver(store, at)
        if (hour === closes) waste(store, at)
        if (hour === closes + 1 && dow === 6) count(store, at)
      }
      for (const store of stores) {
        const hour = localHour(at, cities[store.city]!.utcOffset)
        if (hour > store.opens && hour < store.closes - 1 && random.chance(0.25)) transfer(store, at)
      }
    },
  }
}

export type InventoryModel = ReturnType<typeof createInventory>
