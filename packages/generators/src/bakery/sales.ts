import type { Row } from '../domain.ts'
import { createWeightedPick, type Random } from '../prng.ts'
import { cents, micros } from '../values.ts'
import {
  compactDate,
  hourMs,
  hourShare,
  localDay,
  localHour,
  minuteMs,
  seasonDemand,
  summerness,
  weekday,
  weekdayDemand,
} from './calendar.ts'
import type { CustomerModel } from './customers.ts'
import { cities, customerId, products, type Store } from './entities.ts'
import { uuid } from '../uuid.ts'
import type { InventoryModel } from './inventory.ts'
import { lineDiscount, type PromotionModel, promotionUplift } from './promotions.ts'
import { weatherDemand, type WeatherModel } from './weather.ts'

/** Receipts that a store of size 1 rings up on a mean day. */
export const receiptsPerDay = 640
/** Mean pieces per receipt; what baking plans with. */
export const piecesPerReceipt = 2.9

/** A receipt that feedback or a refund can refer to. */
export interface Receipt {
  readonly store: Store
  readonly number: string
  readonly at: number
  readonly customer: number | null
  readonly product: number
  readonly quantity: number
  readonly unitPrice: number
  readonly paid: number
  /** Something the customer wanted was sold out. */
  readonly missed: boolean
  readonly crowded: boolean
}

const pickChannel = createWeightedPick([86, 6, 7, 1])
const channels = ['IN_STORE', 'ONLINE', 'DELIVERY', 'WHOLESALE'] as const
const pickMethod = createWeightedPick([27, 52, 17, 4])
const methods = ['CASH', 'CARD', 'MOBILE', 'GIFT_CARD'] as const
const pickScheme = createWeightedPick([42, 45, 8, 5])
const schemes = ['visa', 'mastercard', 'maestro', 'amex'] as const
const pickLines = createWeightedPick([44, 30, 16, 7, 3])
const pickQuantity = createWeightedPick([66, 20, 7, 5, 2])

/** Expected share of each product in a full day, for planning: the mean of morning and afternoon. */
export const productShare: readonly number[] = (() => {
  const weights = products.map((p) => p.morning + p.afternoon)
  const total = weights.reduce((sum, w) => sum + w, 0)
  return weights.map((w) => w / total)
})()

/** Tills: customers arrive by hour, weekday, season and weather, and buy what is promoted, in season and in stock. */
export function createSales(options: {
  readonly random: Random
  readonly stores: readonly Store[]
  readonly prices: Int32Array
  readonly weather: WeatherModel
  readonly promotions: PromotionModel
  readonly inventory: InventoryModel
  readonly customers: CustomerModel
  readonly emit: (row: Row, at: number) => void
  readonly onReceipt: (receipt: Receipt) => void
}) {
  const { random, stores, prices, weather, promotions, inventory, customers, emit, onReceipt } = options
  /** Customers per minute and choice of product, per store, valid for the present hour. */
  const perMinute = new Float64Array(stores.length)
  const choose: ((random: Random) => number)[] = []
  const receiptCounters = new Int32Array(stores.length)
  const receiptDays = new Int32Array(stores.length)
  const receiptPrefixes: string[] = stores.map(() => '')
  /** Recent receipts per store, for refunds. */
  const recent: (Receipt | undefined)[][] = stores.map(() => new Array<Receipt | undefined>(32))

  function receiptNumber(store: Store, at: number): string {
    const day = localDay(at, cities[store.city]!.utcOffset)
    if (receiptDays[store.index] !== day) {
      receiptDays[store.index] = day
      receiptCounters[store.index] = 0
      receiptPrefixes[store.index] = `${store.id.slice(6)}-${compactDate(day)}-`
    }
    const n = (receiptCounters[store.index] = receiptCounters[store.index]! + 1)
    return receiptPrefixes[store.index]! + String(n).padStart(5, '0')
  }

  function nextHour(at: number): void {
    for (const store of stores) {
      const offset = cities[store.city]!.utcOffset
      const day = localDay(at, offset)
      const hour = localHour(at, offset)
      const dow = weekday(day)
      const closes = dow === 6 ? 13 : store.closes
      const open = hour >= store.opens && hour < closes
      const now = weather.at(store.city)
      const demand = weekdayDemand[dow]! * seasonDemand(day) * weatherDemand(now) * random.range(0.93, 1.07)
      perMinute[store.index] = open ? (receiptsPerDay * store.size * demand * hourShare[hour]!) / 60 : 0
      if (!open) continue
      const summer = summerness(day)
      choose[store.index] = createWeightedPick(
        products.map((product) => {
          const promotion = promotions.activeFor(store.index, product.index)
          const uplift = promotion === undefined ? 1 : promotionUplift[promotion.kind]
          const heat = product.summer > 0 && now.temperature > 24 ? 1 + product.summer : 1
          const weight = hour < 11 ? product.morning : product.afternoon
          return Math.max(0.1, weight * uplift * heat * (1 + product.summer * summer))
        }),
      )
    }
  }

  function sellOne(store: Store, at: number): void {
    const pick = choose[store.index]!
    const channel = channels[pickChannel(random)]!
    const wholesale = channel === 'WHOLESALE'
    const customer = !wholesale && random.chance(0.42) ? customers.pick(store.index) : null
    const wanted = wholesale ? 1 : pickLines(random) + 1
    const lines: Row[] = []
    let subtotal = 0
    let discounts = 0
    let tax = 0
    let missed = false
    let first: { product: number; quantity: number; unitPrice: number; paid: number } | undefined
    let chosen = 0
    for (let i = 0; i < wanted; i++) {
      const favourite = customer !== null && i === 0 && random.chance(0.4)
      const p = favourite ? customers.favourite(customer) : pick(random)
      if ((chosen & (1 << p)) !== 0) continue
      chosen |= 1 << p
      const promotion = promotions.activeFor(store.index, p)
      const usual = (pickQuantity(random) + 1) * (products[p]!.firstPrice < 120 ? 2 : 1)
      const asked = wholesale ? random.between(15, 50) : Math.max(usual, promotion?.minQuantity ?? 1)
      const quantity = Math.min(asked, inventory.available(store.index, p))
      if (quantity < asked) missed = true
      if (quantity <= 0) continue
      inventory.sell(store.index, p, quantity)
      const price = prices[p]!
      const applies = promotion !== undefined && (promotion.couponCode === null || random.chance(0.3))
      const discount = applies ? lineDiscount(promotion, quantity, price) : 0
      const total = quantity * price - discount
      const { taxPercent } = products[p]!
      subtotal += quantity * price
      discounts += discount
      tax += Math.round((total * taxPercent) / (100 + taxPercent))
      first ??= { product: p, quantity, unitPrice: price, paid: total }
      lines.push({
        line_number: lines.length + 1,
        product_id: products[p]!.id,
        quantity,
        unit_price: cents(price),
        discount: cents(discount),
        line_total: cents(total),
        promotion_id: discount > 0 ? promotion!.id : null,
      })
    }
    if (first === undefined) return
    const number = receiptNumber(store, at)
    const till = channel === 'IN_STORE'
    const method = wholesale ? 'INVOICE' : till ? methods[pickMethod(random)]! : random.chance(0.7) ? 'CARD' : 'MOBILE'
    const total = subtotal - discounts
    const tip = till && method !== 'GIFT_CARD' && random.chance(0.07) ? random.between(1, 8) * 10 : 0
    emit(
      {
        event_id: uuid(random),
        store_id: store.id,
        register_id: till ? random.pick(store.registers) : 'ONLINE',
        receipt_number: number,
        sale_type: 'SALE',
        original_receipt_number: null,
        channel,
        cashier_id: till ? random.pick(store.staff) : null,
        customer_id: customer === null ? null : customerId(customer),
        currency: 'EUR',
        lines,
        subtotal: cents(subtotal),
        discount_total: cents(discounts),
        tax_total: cents(tax),
        total: cents(total),
        payment: {
          method,
          card_scheme: method === 'CARD' ? schemes[pickScheme(random)]! : null,
          amount: cents(total),
          tip: cents(tip),
        },
        sold_at: micros(at, random.int(1000)),
      },
      at + random.between(50, 3000),
    )
    const crowded = perMinute[store.index]! > 1.2 * store.size
    const receipt: Receipt = { store, number, at, customer, ...first, missed, crowded }
    recent[store.index]![receiptCounters[store.index]! % 32] = receipt
    onReceipt(receipt)
  }

  /** Gives back the first line of a recent receipt of the same day. The goods are thrown away. */
  function refund(store: Store, at: number): void {
    const slot = random.int(32)
    const original = recent[store.index]![slot]
    if (original === undefined || at - original.at > 10 * hourMs || at - original.at < 2 * minuteMs) return
    recent[store.index]![slot] = undefined
    const { product, quantity, unitPrice, paid } = original
    const gross = quantity * unitPrice
    const { taxPercent } = products[product]!
    emit(
      {
        event_id: uuid(random),
        store_id: store.id,
        register_id: store.registers[0]!,
        receipt_number: receiptNumber(store, at),
        sale_type: 'REFUND',
        original_receipt_number: original.number,
        channel: 'IN_STORE',
        cashier_id: random.pick(store.staff),
        customer_id: original.customer === null ? null : customerId(original.customer),
        currency: 'EUR',
        lines: [
          {
            line_number: 1,
            product_id: products[product]!.id,
            quantity,
            unit_price: cents(unitPrice),
            discount: cents(gross - paid),
            line_total: cents(paid),
            promotion_id: null,
          },
        ],
        subtotal: cents(gross),
        discount_total: cents(gross - paid),
        tax_total: cents(Math.round((paid * taxPercent) / (100 + taxPercent))),
        total: cents(paid),
        payment: { method: 'CASH', card_scheme: null, amount: cents(paid), tip: '0.00' },
        sold_at: micros(at, random.int(1000)),
      },
      at + random.between(50, 3000),
    )
  }

  return {
    nextHour,
    /** One minute of all stores; `at` is its start. */
    minute(at: number): void {
      for (const store of stores) {
        const rate = perMinute[store.index]!
        if (rate === 0) continue
        for (let n = random.poisson(rate); n > 0; n--) sellOne(store, at + random.int(minuteMs))
        if (random.chance(rate * 0.006)) refund(store, at + random.int(minuteMs))
      }
    },
  }
}
