import type { Row, World, WorldOptions } from '../domain.ts'
import { createDueQueue } from '../due-queue.ts'
import { createRandom, createWeightedPick } from '../prng.ts'
import { uuid } from '../uuid.ts'

interface CatalogueProduct {
  readonly id: string
  readonly name: string
  /** Indian rupees. */
  readonly price: number
  readonly category: string
}

const catalogue: readonly CatalogueProduct[] = [
  { id: 'P001', name: 'Wireless mouse', price: 799, category: 'Electronics' },
  { id: 'P002', name: 'Mechanical keyboard', price: 3499, category: 'Electronics' },
  { id: 'P003', name: 'Noise-cancelling headphones', price: 8999, category: 'Electronics' },
  { id: 'P004', name: 'Cotton T-shirt', price: 499, category: 'Clothing' },
  { id: 'P005', name: 'Running shoes', price: 2999, category: 'Clothing' },
  { id: 'P006', name: 'Rain jacket', price: 2199, category: 'Clothing' },
  { id: 'P007', name: 'Steel water bottle', price: 649.5, category: 'Home' },
  { id: 'P008', name: 'Desk lamp', price: 1299, category: 'Home' },
  { id: 'P009', name: 'Paperback novel', price: 349, category: 'Books' },
  { id: 'P010', name: 'Cookery book', price: 899, category: 'Books' },
]
const countries = ['IN', 'US', 'UK', 'DE', 'CA', 'AU'] as const
const pickCountry = createWeightedPick([45, 22, 10, 9, 8, 6])
const devices = ['MOBILE', 'DESKTOP', 'TABLET'] as const
const pickDevice = createWeightedPick([58, 34, 8])

const actions = ['PAGE_VIEW', 'ADD_TO_CART', 'PURCHASE', 'REMOVE_FROM_CART', 'SEARCH'] as const
/**
 * Weights of the specification. What needs a cart while it is empty trades places with a later ADD_TO_CART, so that the
 * shares hold in the long run.
 */
const pickAction = createWeightedPick([60, 20, 10, 5, 5])

const tickMs = 1000
const minuteMs = 60_000

interface User {
  readonly id: string
  readonly country: (typeof countries)[number]
  sessionId: string
  device: (typeof devices)[number]
  /** Products in the cart; a product can be in it more than once. */
  cart: number[]
  /** Actions that waited for something to be in the cart. */
  owed: ('PURCHASE' | 'REMOVE_FROM_CART')[]
  sessionEnds: number
  nextAt: number
}

/** 100 shop users (at scale 1), each with one live session of 5 to 30 minutes at a time, and a cart per session. */
export function createEcommerceWorld(options: WorldOptions): World {
  const { seed, scale } = options
  const start = Math.floor(options.start / tickMs) * tickMs
  const random = createRandom(seed, 'ecommerce', 'users')
  const queue = createDueQueue({ start, tickMs, horizonMs: minuteMs })
  let now = start

  const users: User[] = Array.from({ length: Math.max(1, Math.round(100 * scale)) }, (_, i) => ({
    id: `user_${String(i).padStart(4, '0')}`,
    country: countries[pickCountry(random)]!,
    sessionId: '',
    device: 'MOBILE',
    cart: [],
    owed: [],
    sessionEnds: 0,
    nextAt: start + random.int(20_000),
  }))

  function beginSession(user: User, at: number): void {
    user.sessionId = `sess_${random.hex(16)}`
    user.device = devices[pickDevice(random)]!
    user.cart = []
    user.owed = []
    user.sessionEnds = at + random.between(5 * minuteMs, 30 * minuteMs)
  }

  /** What the user does now, given the cart, and the product concerned. */
  function act(user: User): { type: (typeof actions)[number]; product: CatalogueProduct | undefined } {
    let wanted = actions[pickAction(random)]!
    if (wanted === 'ADD_TO_CART' && user.cart.length > 0) wanted = user.owed.shift() ?? wanted
    else if ((wanted === 'PURCHASE' || wanted === 'REMOVE_FROM_CART') && user.cart.length === 0) {
      user.owed.push(wanted)
      wanted = 'ADD_TO_CART'
    }
    switch (wanted) {
      case 'SEARCH':
        return { type: wanted, product: undefined }
      case 'PURCHASE':
      case 'REMOVE_FROM_CART': {
        const [product] = user.cart.splice(random.int(user.cart.length), 1)
        return { type: wanted, product: catalogue[product!] }
      }
      default: {
        const product = random.int(catalogue.length)
        if (wanted === 'ADD_TO_CART') user.cart.push(product)
        return { type: wanted, product: catalogue[product] }
      }
    }
  }

  return {
    get now() {
      return now
    },
    step(emit) {
      const end = now + tickMs
      for (const user of users) {
        while (user.nextAt < end) {
          const at = user.nextAt
          if (at >= user.sessionEnds) beginSession(user, at)
          const { type, product } = act(user)
          const row: Row = {
            event_id: uuid(random),
            user_id: user.id,
            event_type: type,
            timestamp: BigInt(at),
            session_id: user.sessionId,
            product_id: product?.id ?? null,
            product_name: product?.name ?? null,
            price: product?.price ?? null,
            category: product?.category ?? null,
            device_type: user.device,
            country: user.country,
          }
          queue.add(at + random.between(5, 900), 0, row)
          const next = at + Math.max(200, Math.round(random.exponential(12_000)))
          // The next session begins a while after this one has ended.
          user.nextAt =
            next < user.sessionEnds ? next : user.sessionEnds + Math.round(random.exponential(10 * minuteMs))
        }
      }
      for (const due of queue.takeTick()) emit(due.feed, due.row as Row, due.at)
      now = end
    },
  }
}
