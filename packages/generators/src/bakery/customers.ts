import type { Random } from '../prng.ts'
import { products, type Store } from './entities.ts'

/**
 * Loyalty customers: each has a home store, comes more or less often, has a favourite product, joins one day and stays
 * away one day. A store holds its members in order of joining; picking is skewed, so some come daily and many rarely.
 */
export function createCustomers(options: { readonly random: Random; readonly stores: readonly Store[] }) {
  const { random, stores } = options
  let nextId = 1
  const members: number[][] = stores.map((store) =>
    Array.from({ length: Math.round(260 * store.size) }, () => nextId++),
  )
  /** Bounds the memory of long runs. */
  const mostPerStore = stores.map((store) => Math.round(600 * store.size))

  return {
    /** Some leave, some join: about 0.3 % of members a day each. */
    nextDay(): void {
      for (const store of stores) {
        const list = members[store.index]!
        const leaving = random.poisson(list.length * 0.003)
        for (let i = 0; i < leaving && list.length > 20; i++) list.splice(random.int(list.length), 1)
        const joining = random.poisson(store.size * 1.1)
        for (let i = 0; i < joining && list.length < mostPerStore[store.index]!; i++) list.push(nextId++)
      }
    },
    /** A member of the store, frequent ones more often. */
    pick(store: number): number {
      const list = members[store]!
      const u = random.float()
      return list[Math.floor(u * u * list.length)]!
    },
    favourite: (customer: number): number => (Math.imul(customer, 0x9e3779b1) >>> 8) % products.length,
  }
}

export type CustomerModel = ReturnType<typeof createCustomers>
