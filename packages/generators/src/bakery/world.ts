import type { World, WorldOptions } from '../domain.ts'
import { createDueQueue } from '../due-queue.ts'
import { createRandom } from '../prng.ts'
import { decimal, micros } from '../values.ts'
import { dayMs, hourMs, minuteMs } from './calendar.ts'
import { createCustomers } from './customers.ts'
import { cities, createStores, products } from './entities.ts'
import { uuid } from '../uuid.ts'
import { createEquipment } from './equipment.ts'
import { createFeedback } from './feedback.ts'
import { createInventory } from './inventory.ts'
import { createPromotions, promotionUplift } from './promotions.ts'
import { createSales, piecesPerReceipt, productShare, receiptsPerDay } from './sales.ts'
import { createWeather } from './weather.ts'

/** Order of the feeds in the domain. */
export const bakeryFeed = { sales: 0, inventory: 1, feedback: 2, promotions: 3, weather: 4, equipment: 5 } as const

/** Every machine reports once in this time. */
const equipmentIntervalMs = 30 * minuteMs
const forecastHours = 6

/**
 * A chain of bakeries, minute by minute. What happens in one model moves the others: weather and promotions make
 * customers come and choose, sales empty shelves, ovens fill them unless they are broken, receipts lead to feedback.
 */
export function createBakeryWorld(options: WorldOptions): World {
  const { seed, scale } = options
  const start = Math.floor(options.start / minuteMs) * minuteMs
  const random = (part: string) => createRandom(seed, 'bakery', part)
  const queue = createDueQueue({ start, tickMs: minuteMs, horizonMs: 50 * hourMs })
  let now = start

  const stores = createStores(Math.max(1, Math.round(12 * scale)), random('stores'))
  const prices = Int32Array.from(products, (product) => product.firstPrice)
  const priceRandom = random('prices')
  const weatherRandom = random('weather')
  const promotionRandom = random('promotion-events')
  const weather = createWeather(weatherRandom)
  const customers = createCustomers({ random: random('customers'), stores })

  const equipment = createEquipment({
    random: random('equipment'),
    stores,
    outdoorTemperature: (city) => weather.at(city).temperature,
  })
  const promotions = createPromotions({
    random: random('promotions'),
    stores,
    perDay: 2 * Math.max(1, scale),
    prices,
    onChange: (promotion, at) => {
      const updatedAt = at + promotionRandom.int(5000)
      queue.add(updatedAt + promotionRandom.between(100, 4000), bakeryFeed.promotions, {
        event_id: uuid(promotionRandom),
        promotion_id: promotion.id,
        name: promotion.name,
        kind: promotion.kind,
        status: promotion.status,
        discount_percent: promotion.kind === 'PERCENT_OFF' ? decimal(promotion.value * 100, 2) : null,
        discount_amount:
          promotion.kind === 'AMOUNT_OFF' || promotion.kind === 'BUNDLE_PRICE' ? decimal(promotion.value, 2) : null,
        min_quantity: promotion.minQuantity,
        store_ids: promotion.stores.map((store) => store.id),
        product_ids: promotion.products.map((product) => products[product]!.id),
        coupon_code: promotion.couponCode,
        budget: promotion.budgetCents === null ? null : decimal(promotion.budgetCents, 2),
        starts_at: BigInt(promotion.startsAt),
        ends_at: BigInt(promotion.endsAt),
        updated_at: micros(updatedAt, promotionRandom.int(1000)),
      })
    },
  })
  const inventory = createInventory({
    random: random('inventory'),
    stores,
    dailyDemand: (store, product) => {
      const promotion = promotions.activeFor(store.index, product)
      const uplift = promotion === undefined ? 1 : promotionUplift[promotion.kind]
      return receiptsPerDay * store.size * piecesPerReceipt * productShare[product]! * uplift
    },
    ovenShare: equipment.ovenShare,
    emit: (row, at) => queue.add(at, bakeryFeed.inventory, row),
  })
  const feedback = createFeedback({
    random: random('feedback'),
    emit: (row, at) => queue.add(at, bakeryFeed.feedback, row),
  })
  const sales = createSales({
    random: random('sales'),
    stores,
    prices,
    weather,
    promotions,
    inventory,
    customers,
    emit: (row, at) => queue.add(at, bakeryFeed.sales, row),
    onReceipt: (receipt) => feedback.consider(receipt),
  })

  function reportWeather(at: number, isForecast: boolean): void {
    for (const store of stores) {
      const city = cities[store.city]!
      const w = isForecast ? weather.forecast(store.city, at) : weather.at(store.city)
      const emittedAt = (isForecast ? now : at) + weatherRandom.between(60_000, 400_000)
      queue.add(emittedAt, bakeryFeed.weather, {
        event_id: uuid(weatherRandom),
        store_id: store.id,
        station_id: city.stationId,
        observed_at: BigInt(at),
        is_forecast: isForecast,
        condition: w.condition,
        temperature_c: w.temperature,
        feels_like_c: w.feelsLike,
        humidity_pct: w.humidity,
        precipitation_mm: w.precipitation,
        wind_speed_kmh: w.windSpeed,
        wind_direction_deg: weatherRandom.chance(0.97) ? w.windDirection : null,
        pressure_hpa: isForecast ? null : w.pressure,
        cloud_cover_pct: w.cloudCover,
      })
    }
  }

  /** Prices rise by a few percent every two months or so, each product on its own day. */
  function nextDay(): void {
    customers.nextDay()
    for (const product of products) {
      if (!priceRandom.chance(1 / 60)) continue
      const price = prices[product.index]!
      const factor = priceRandom.chance(0.12) ? priceRandom.range(0.94, 0.98) : priceRandom.range(1.02, 1.07)
      prices[product.index] = Math.max(product.cost + 10, Math.round((price * factor) / 5) * 5)
    }
  }

  function nextHour(): void {
    if (now % dayMs === 0) nextDay()
    weather.nextHour(now)
    promotions.nextHour(now)
    inventory.nextHour(now)
    sales.nextHour(now)
    reportWeather(now, false)
    if (now % (forecastHours * hourMs) === 0) reportWeather(now + forecastHours * hourMs, true)
  }

  promotions.begin(start)
  inventory.begin(start)
  if (start % hourMs !== 0) {
    const hour = start - (start % hourMs)
    promotions.nextHour(hour)
    sales.nextHour(hour)
  }

  const turns = equipmentIntervalMs / minuteMs
  return {
    get now() {
      return now
    },
    step(emit) {
      if (now % hourMs === 0) nextHour()
      const turn = (now / minuteMs) % turns
      equipment.readTurn(turn, turns, now, equipmentIntervalMs / hourMs, (row, at) =>
        queue.add(at, bakeryFeed.equipment, row),
      )
      sales.minute(now)
      for (const due of queue.takeTick()) emit(due.feed, due.row as Record<string, unknown>, due.at)
      now += minuteMs
    },
  }
}
