import type { Random } from '../prng.ts'

/** A town with its own weather. Offsets are standard time; the simulation knows no daylight saving. */
export interface City {
  readonly name: string
  readonly stationId: string
  readonly utcOffset: number
  readonly language: string
  /** Yearly mean temperature and swing to either side, degrees Celsius. */
  readonly meanTemperature: number
  readonly swing: number
  /** Share of hours with precipitation. */
  readonly wetness: number
}

export const cities: readonly City[] = [
  { name: 'Porto', stationId: 'STN-PRT1', utcOffset: 0, language: 'pt', meanTemperature: 15, swing: 6, wetness: 0.17 },
  { name: 'Lyon', stationId: 'STN-LYN1', utcOffset: 1, language: 'fr', meanTemperature: 13, swing: 9.5, wetness: 0.12 },
  {
    name: 'Hamburg',
    stationId: 'STN-HAM1',
    utcOffset: 1,
    language: 'de',
    meanTemperature: 10,
    swing: 8.5,
    wetness: 0.18,
  },
  {
    name: 'Vienna',
    stationId: 'STN-VIE1',
    utcOffset: 1,
    language: 'de',
    meanTemperature: 11,
    swing: 10.5,
    wetness: 0.11,
  },
  {
    name: 'Dublin',
    stationId: 'STN-DUB1',
    utcOffset: 0,
    language: 'en',
    meanTemperature: 10,
    swing: 5.5,
    wetness: 0.21,
  },
  {
    name: 'Tallinn',
    stationId: 'STN-TLL1',
    utcOffset: 2,
    language: 'et',
    meanTemperature: 6.5,
    swing: 11.5,
    wetness: 0.14,
  },
]

export interface Store {
  readonly index: number
  readonly id: string
  readonly city: number
  /** Size relative to the mean store. */
  readonly size: number
  readonly opens: number
  readonly closes: number
  readonly registers: readonly string[]
  readonly staff: readonly string[]
  /** How well it is run, 0-1: drives ratings and waste. */
  readonly care: number
}

export function createStores(count: number, random: Random): readonly Store[] {
  return Array.from({ length: count }, (_, index) => {
    const size = Math.min(2, Math.max(0.5, random.normal(1, 0.3)))
    return {
      index,
      id: `STORE-${String(index + 1).padStart(3, '0')}`,
      city: index < cities.length ? index : random.int(cities.length),
      size,
      opens: random.chance(0.5) ? 6 : 7,
      closes: random.between(18, 20),
      registers: Array.from({ length: size > 1.2 ? 3 : 2 }, (_unused, i) => `REG-${i + 1}`),
      staff: Array.from({ length: 4 + Math.round(size * 3) }, (_unused, i) => `EMP-${String((index + 1) * 100 + i)}`),
      care: random.range(0.55, 0.98),
    }
  })
}

export interface Product {
  readonly index: number
  readonly id: string
  readonly name: string
  /** First price and cost, cents. */
  readonly firstPrice: number
  readonly cost: number
  /** Popularity in the morning (before 11) and in the afternoon. */
  readonly morning: number
  readonly afternoon: number
  /** Change of demand from mid-winter (-) to mid-summer (+), share. */
  readonly summer: number
  /** Days it can be sold, from the day of production. */
  readonly shelfDays: number
  /** Bought in rather than baked. */
  readonly delivered: boolean
  readonly taxPercent: number
}

type ProductLine = readonly [
  name: string,
  price: number,
  cost: number,
  morning: number,
  afternoon: number,
  summer: number,
  shelfDays: number,
  delivered: boolean,
]

const productLines: readonly ProductLine[] = [
  ['Wheat roll', 45, 12, 30, 8, 0, 1, false],
  ['Rye roll', 65, 18, 14, 5, -0.05, 1, false],
  ['Croissant', 160, 52, 24, 9, 0, 1, false],
  ['Chocolate croissant', 210, 71, 14, 8, -0.1, 1, false],
  ['Baguette', 240, 63, 9, 12, 0.05, 1, false],
  ['Country loaf', 490, 135, 6, 9, -0.05, 3, false],
  ['Wholegrain loaf', 520, 149, 5, 7, -0.05, 4, false],
  ['Rye sourdough', 560, 152, 4, 7, -0.1, 5, false],
  ['Pretzel', 110, 27, 9, 8, 0.05, 1, false],
  ['Cinnamon bun', 270, 82, 9, 9, -0.2, 1, false],
  ['Apple turnover', 260, 88, 6, 8, -0.1, 1, false],
  ['Berry tart', 420, 165, 2, 7, 0.35, 2, false],
  ['Cheesecake slice', 410, 148, 2, 9, 0.15, 2, false],
  ['Chocolate cake slice', 430, 151, 2, 8, -0.15, 3, false],
  ['Lemon cake slice', 380, 122, 2, 6, 0.25, 3, false],
  ['Carrot cake slice', 390, 129, 2, 6, 0, 3, false],
  ['Cheese sandwich', 480, 171, 8, 12, 0, 1, false],
  ['Ham sandwich', 520, 196, 8, 13, 0, 1, false],
  ['Vegetable wrap', 590, 214, 3, 9, 0.2, 1, false],
  ['Quiche', 540, 187, 2, 8, 0, 2, false],
  ['Coffee beans 250 g', 990, 540, 1, 2, -0.1, 180, true],
  ['Orange juice', 320, 128, 6, 5, 0.3, 21, true],
  ['Iced tea', 290, 96, 2, 8, 0.7, 120, true],
  ['Mineral water', 180, 41, 5, 9, 0.5, 300, true],
]

export const products: readonly Product[] = productLines.map(
  ([name, firstPrice, cost, morning, afternoon, summer, shelfDays, delivered], index) => ({
    index,
    id: `PROD-${String(index + 1).padStart(4, '0')}`,
    name,
    firstPrice,
    cost,
    morning,
    afternoon,
    summer,
    shelfDays,
    delivered,
    taxPercent: delivered ? 19 : 7,
  }),
)

/** Names for ids: `CUST-000123`. Ids are numbers everywhere else. */
export function customerId(index: number): string {
  return `CUST-${String(index).padStart(6, '0')}`
}
