import type { Row } from '../domain.ts'
import { createWeightedPick, type Random } from '../prng.ts'
import { cents } from '../values.ts'

const genders = ['Female', 'Male', 'Other'] as const
const pickGender = createWeightedPick([49, 49, 2])
export const internetServices = ['Fiber optic', 'DSL', 'No'] as const
const pickInternet = createWeightedPick([44, 34, 22])
export const contracts = ['Month-to-month', 'One year', 'Two year'] as const
const pickContract = createWeightedPick([55, 21, 24])
const firstNames = ['Asha', 'Ben', 'Chloé', 'Dmitri', 'Emre', 'Fatima', 'Grace', 'Hana', 'Ivan', 'José', 'Łucja', 'Zoë']
const lastNames = ['Ahmed', 'Brown', 'Costa', 'Devi', "O'Neil", 'Fischer', 'García', 'Hansen', 'Ito', 'Müller', 'Novák']

export interface Customer {
  readonly id: string
  readonly gender: string
  readonly senior: boolean
  readonly partner: boolean
  readonly dependents: boolean
  readonly firstName: string
  lastName: string
  email: string
  phone: boolean
  /** Index into `internetServices` and `contracts`. */
  internet: number
  contract: number
  /** Months as a customer. */
  tenure: number
  /** Cents. */
  monthly: number
  charged: number
  /** Attributes that the provider never learned: null in every state. */
  readonly unknown: ReadonlySet<string>
  nextBillAt: number
  nextChangeAt: number
}

/** What a month costs, cents: by services and commitment. */
export function monthlyCharge(customer: Pick<Customer, 'phone' | 'internet' | 'contract'>, random: Random): number {
  const base = [6995, 4495, 0][customer.internet]! + (customer.phone ? 1995 : 0)
  const options = customer.internet === 2 ? 0 : 500 * random.int(5)
  return Math.max(1845, Math.round((base + options) * [1, 0.95, 0.9][customer.contract]!))
}

const mayBeUnknown = ['gender', 'senior_citizen', 'partner', 'dependents', 'email'] as const

export function createCustomer(random: Random, number: number, tenure: number): Customer {
  const firstName = random.pick(firstNames)
  const lastName = random.pick(lastNames)
  const internet = pickInternet(random)
  const contract = pickContract(random)
  // Who has no internet has a phone.
  const phone = internet === 2 || random.chance(0.88)
  const monthly = monthlyCharge({ phone, internet, contract }, random)
  return {
    id: `C-${String(number).padStart(7, '0')}`,
    gender: genders[pickGender(random)]!,
    senior: random.chance(0.16),
    partner: random.chance(0.48),
    dependents: random.chance(0.3),
    firstName,
    lastName,
    email: `customer.${number}@example.${random.pick(['com', 'org', 'net'])}`,
    phone,
    internet,
    contract,
    tenure,
    monthly,
    // Prices were lower in earlier years, so this is not monthly times tenure.
    charged: Math.round(monthly * tenure * random.range(0.9, 1)),
    unknown: new Set(mayBeUnknown.filter(() => random.chance(0.015))),
    nextBillAt: 0,
    nextChangeAt: 0,
  }
}

/**
 * The state of a customer as the provider's system sends it. Attributes never learned are null; `total_charges` is missing
 * before the first bill and, now and then, later too: absent or null.
 */
export function customerState(customer: Customer, at: number, random: Random): Row {
  const { unknown } = customer
  const known = (name: string, value: unknown) => (unknown.has(name) ? null : value)
  const state: Row = {
    customer_id: customer.id,
    gender: known('gender', customer.gender),
    senior_citizen: known('senior_citizen', customer.senior),
    partner: known('partner', customer.partner),
    dependents: known('dependents', customer.dependents),
    tenure: customer.tenure,
    phone_service: customer.phone,
    internet_service: internetServices[customer.internet],
    contract: contracts[customer.contract],
    monthly_charges: cents(customer.monthly),
    updated_at: BigInt(at),
    first_name: customer.firstName,
    last_name: customer.lastName,
    email: known('email', customer.email),
  }
  const form = random.float()
  if (customer.tenure === 0 || form < 0.05) return state
  return { ...state, total_charges: form < 0.08 ? null : cents(customer.charged) }
}
