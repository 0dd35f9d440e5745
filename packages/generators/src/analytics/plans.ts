import { createWeightedPick, type Random } from '../prng.ts'
import { cents } from '../values.ts'

/** Plans from the cheapest up; a user has one at a time. */
export const plans = ['free', 'basic', 'pro', 'enterprise'] as const

/** Monthly prices in the smallest unit of the currency, by plan. */
const monthly = {
  USD: [0, 900, 2900, 9900],
  EUR: [0, 900, 2700, 9400],
  GBP: [0, 800, 2400, 8200],
  INR: [0, 74_900, 239_900, 819_900],
} as const
export type Currency = keyof typeof monthly

const currencies = Object.keys(monthly) as readonly Currency[]
const pickCurrencyIndex = createWeightedPick([48, 27, 10, 15])
const firstPlan = createWeightedPick([72, 18, 8, 2])

export const pickCurrency = (random: Random): Currency => currencies[pickCurrencyIndex(random)]!
/** Index of the plan chosen at sign-up. */
export const pickFirstPlan = (random: Random): number => firstPlan(random)

/** Price of a month, as decimal text. */
export function planPrice(plan: number, currency: Currency): string {
  return cents(monthly[currency][plan]!)
}

/** Price of one of three packs of credits: a half, one or two months of the basic plan. */
export function creditPrice(random: Random, currency: Currency): string {
  return cents((monthly[currency][1] * random.pick([1, 2, 4])) / 2)
}

const reasons = ['card_declined', 'insufficient_funds', 'expired_card', 'network_error', 'fraud_suspected'] as const
const pickReasonIndex = createWeightedPick([40, 28, 14, 12, 6])

export const pickFailure = (random: Random): string => reasons[pickReasonIndex(random)]!
