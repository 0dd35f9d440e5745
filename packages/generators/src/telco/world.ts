import type { Row, World, WorldOptions } from '../domain.ts'
import { createDueQueue } from '../due-queue.ts'
import { createRandom } from '../prng.ts'
import { createCustomer, type Customer, customerState, monthlyCharge } from './customer.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const monthMs = 30 * dayMs

/** Slowest delivery, ms: within the contract's ten minutes of lateness. */
const longestDeliveryMs = 4 * minuteMs

/**
 * About 2,000 customers at a time (at scale 1). The first day brings the state of each; after that a state is sent at every
 * monthly bill and change of service, contract or contact, some corrected minutes later. Customers leave and new ones join.
 */
export function createTelcoWorld(options: WorldOptions): World {
  const { seed, scale } = options
  const start = Math.floor(options.start / minuteMs) * minuteMs
  const random = createRandom(seed, 'telco', 'customers')
  const deliveries = createDueQueue({ start, tickMs: minuteMs, horizonMs: longestDeliveryMs + minuteMs })
  const wakes = createDueQueue({ start, tickMs: minuteMs, horizonMs: monthMs + dayMs })
  let now = start
  let nextNumber = 1

  function send(customer: Customer, at: number): void {
    deliveries.add(at + random.between(200, longestDeliveryMs), 0, customerState(customer, at, random))
  }

  function sleep(customer: Customer): void {
    wakes.add(Math.min(customer.nextBillAt, customer.nextChangeAt), 0, customer)
  }

  function planChange(customer: Customer, after: number): void {
    customer.nextChangeAt = Math.round(after + 1 + random.exponential(90 * dayMs))
  }

  function change(customer: Customer, at: number): void {
    const u = random.float()
    if (u < 0.3) customer.internet = random.int(3)
    else if (u < 0.6) customer.contract = random.int(3)
    else if (u < 0.8) customer.email = `c${customer.id.slice(-4)}.${random.hex(4)}@example.com`
    else if (u < 0.9) customer.lastName = random.pick(['Khan', 'Lindqvist', 'Nguyễn', 'Öztürk', 'Smith-Jones'])
    else customer.phone = customer.internet === 2 || !customer.phone
    if (customer.internet === 2) customer.phone = true
    if (u < 0.6 || u >= 0.9) customer.monthly = monthlyCharge(customer, random)
    send(customer, at)
    // Someone typed it wrong: set right before the first message may have arrived.
    if (random.chance(0.2)) customer.nextChangeAt = at + random.between(5000, 180_000)
    else planChange(customer, at)
  }

  /** @returns false when the customer has left instead of paying */
  function bill(customer: Customer, at: number): boolean {
    if (random.chance([0.03, 0.01, 0.004][customer.contract]!)) return false
    customer.tenure++
    customer.charged += customer.monthly
    customer.nextBillAt = at + monthMs
    send(customer, at)
    return true
  }

  function join(at: number, tenure: number): void {
    const customer = createCustomer(random, nextNumber++, tenure)
    customer.nextBillAt = at + (tenure === 0 ? monthMs : 1 + random.int(monthMs))
    planChange(customer, at)
    send(customer, at)
    sleep(customer)
  }

  const initial = Math.max(1, Math.round(2000 * scale))
  let waiting = initial

  return {
    get now() {
      return now
    },
    step(emit) {
      const end = now + minuteMs
      const share = Math.min(1, (end - start) / dayMs)
      for (const target = Math.floor(initial * (1 - share)); waiting > target; waiting--) {
        join(now + random.int(minuteMs), random.int(73))
      }
      // As many join as leave, at the mean rate of leaving.
      for (let n = random.poisson((initial * 0.0195 * minuteMs) / monthMs); n > 0; n--)
        join(now + random.int(minuteMs), 0)
      for (const { row } of wakes.takeTick()) {
        const customer = row as Customer
        let stays = true
        while (stays && Math.min(customer.nextBillAt, customer.nextChangeAt) < end) {
          if (customer.nextChangeAt < customer.nextBillAt) change(customer, customer.nextChangeAt)
          else stays = bill(customer, customer.nextBillAt)
        }
        if (stays) sleep(customer)
      }
      for (const due of deliveries.takeTick()) emit(0, due.row as Row, due.at)
      now = end
    },
  }
}
