import type { Random } from '../prng.ts'
import { dayMs, hourMs, minuteMs } from './calendar.ts'
import { products, type Store } from './entities.ts'

export type PromotionKind = 'PERCENT_OFF' | 'AMOUNT_OFF' | 'BUY_X_GET_Y' | 'BUNDLE_PRICE'
export type PromotionStatus = 'PLANNED' | 'ACTIVE' | 'PAUSED' | 'ENDED' | 'CANCELLED'

export interface Promotion {
  readonly id: string
  readonly name: string
  readonly kind: PromotionKind
  status: PromotionStatus
  /** Percent for PERCENT_OFF, cents for AMOUNT_OFF and BUNDLE_PRICE (price of `minQuantity` pieces), else 0. */
  readonly value: number
  readonly minQuantity: number
  /** Empty means all stores. */
  readonly stores: readonly Store[]
  readonly products: readonly number[]
  readonly couponCode: string | null
  readonly budgetCents: number | null
  readonly startsAt: number
  readonly endsAt: number
  pauseAt: number
  resumeAt: number
}

/** Cents taken off a line of `quantity` pieces at `price`; never more than the line. */
export function lineDiscount(promotion: Promotion, quantity: number, price: number): number {
  if (quantity < promotion.minQuantity) return 0
  const amount = quantity * price
  switch (promotion.kind) {
    case 'PERCENT_OFF':
      return Math.floor((amount * promotion.value) / 100)
    case 'AMOUNT_OFF':
      return Math.min(amount, promotion.value)
    case 'BUY_X_GET_Y':
      return Math.floor(quantity / (promotion.minQuantity + 1)) * price
    case 'BUNDLE_PRICE': {
      const bundles = Math.floor(quantity / promotion.minQuantity)
      return Math.max(0, bundles * (promotion.minQuantity * price - promotion.value))
    }
  }
}

/** Demand for a promoted product relative to the same day without the promotion. */
export const promotionUplift: Readonly<Record<PromotionKind, number>> = {
  PERCENT_OFF: 1.8,
  AMOUNT_OFF: 1.5,
  BUY_X_GET_Y: 1.6,
  BUNDLE_PRICE: 1.7,
}

const firstWords = [
  'Morning',
  'Weekend',
  'Harvest',
  'Happy',
  'Family',
  'Winter',
  'Sunny',
  'Neighbour',
  'Baker’s',
  'Fresh',
]

/** Promotions and their lives: planned some days ahead, active, perhaps paused, ended; a few are cancelled before. */
export function createPromotions(options: {
  readonly random: Random
  readonly stores: readonly Store[]
  readonly perDay: number
  readonly prices: Int32Array
  readonly onChange: (promotion: Promotion, at: number) => void
}) {
  const { random, stores, perDay, prices, onChange } = options
  let number = 0
  let live: Promotion[] = []
  /** Per store and product, the promotion that applies now. */
  let active: (Promotion | undefined)[] = []

  function plan(at: number, lead: number): void {
    const kind = random.pick(['PERCENT_OFF', 'PERCENT_OFF', 'AMOUNT_OFF', 'BUY_X_GET_Y', 'BUNDLE_PRICE'] as const)
    const first = random.int(products.length)
    const chosen = [...new Set([first, ...Array.from({ length: random.int(4) }, () => random.int(products.length))])]
    const price = Math.min(...chosen.map((p) => prices[p]!))
    const minQuantity = {
      PERCENT_OFF: 1,
      AMOUNT_OFF: 1,
      BUY_X_GET_Y: random.between(2, 3),
      BUNDLE_PRICE: random.between(2, 4),
    }
    const value = {
      PERCENT_OFF: random.pick([10, 15, 20, 25, 30]),
      AMOUNT_OFF: Math.max(5, Math.round((price * random.range(0.1, 0.3)) / 5) * 5),
      BUY_X_GET_Y: 0,
      BUNDLE_PRICE: Math.round((price * minQuantity.BUNDLE_PRICE * random.range(0.75, 0.9)) / 5) * 5,
    }
    const startsAt = at + lead
    const endsAt = startsAt + random.between(2, 10) * dayMs
    const paused = random.chance(0.08)
    const pauseAt = paused ? startsAt + random.between(6, 30) * hourMs : Infinity
    number = (number % 9999) + 1
    const promotion: Promotion = {
      id: `PROMO-${String(number).padStart(4, '0')}`,
      name: `${random.pick(firstWords)} ${products[first]!.name}`,
      kind,
      status: 'PLANNED',
      value: value[kind],
      minQuantity: minQuantity[kind],
      stores: random.chance(0.6) ? [] : stores.filter(() => random.chance(0.4)),
      products: chosen,
      couponCode: random.chance(0.1) ? `BREAD${random.between(100, 999)}` : null,
      budgetCents: random.chance(0.5) ? random.between(5, 80) * 10_000 : null,
      startsAt,
      endsAt,
      pauseAt,
      resumeAt: pauseAt + random.between(3, 12) * hourMs,
    }
    live.push(promotion)
    onChange(promotion, at)
  }

  function change(promotion: Promotion, status: PromotionStatus, at: number): void {
    promotion.status = status
    onChange(promotion, at)
  }

  function rebuild(): void {
    active = new Array<Promotion | undefined>(stores.length * products.length)
    for (const promotion of live) {
      if (promotion.status !== 'ACTIVE') continue
      for (const store of promotion.stores.length === 0 ? stores : promotion.stores) {
        for (const product of promotion.products) active[store.index * products.length + product] ??= promotion
      }
    }
  }

  return {
    /** Promotions that begin within the first hour, so that a run has some from its start. */
    begin(at: number): void {
      for (let i = 0; i < Math.ceil(perDay * 4); i++) plan(at, minuteMs)
    },
    nextHour(at: number): void {
      const planned = random.poisson(perDay / 24)
      for (let i = 0; i < planned; i++) plan(at, random.between(1, 5) * dayMs)
      for (const p of live) {
        if (p.status === 'PLANNED' && at >= p.startsAt) change(p, random.chance(0.04) ? 'CANCELLED' : 'ACTIVE', at)
        else if ((p.status === 'ACTIVE' || p.status === 'PAUSED') && at >= p.endsAt) change(p, 'ENDED', at)
        else if (p.status === 'ACTIVE' && at >= p.pauseAt && at < p.resumeAt) change(p, 'PAUSED', at)
        else if (p.status === 'PAUSED' && at >= p.resumeAt) change(p, 'ACTIVE', at)
      }
      live = live.filter((p) => p.status !== 'ENDED' && p.status !== 'CANCELLED')
      rebuild()
    },
    activeFor: (store: number, product: number): Promotion | undefined => active[store * products.length + product],
  }
}

export type PromotionModel = ReturnType<typeof createPromotions>
