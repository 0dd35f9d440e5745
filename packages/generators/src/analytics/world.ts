import type { Row, World, WorldOptions } from '../domain.ts'
import { createDueQueue } from '../due-queue.ts'
import { createRandom } from '../prng.ts'
import { uuid } from '../uuid.ts'
import { billingDevice, createDevice } from './device.ts'
import { creditPrice, type Currency, pickCurrency, pickFailure, pickFirstPlan, planPrice, plans } from './plans.ts'
import { longestOfflineMs, sendEvent } from './sending.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

interface Session {
  readonly id: string
  pagesLeft: number
  page: string | undefined
  /** A payment that failed and is tried again, with how often it was. */
  unpaid: { readonly plan: number | undefined; readonly amount: string; tries: number } | undefined
}

interface User {
  readonly id: string
  readonly device: Row
  readonly currency: Currency
  plan: number
  leavesAt: number
  /** Next renewal of a paid plan; Infinity on the free one. */
  renewsAt: number
  failedRenewals: number
  session: Session | undefined
  /** Next moment at which something happens to the user. */
  nextAt: number
  nextSessionAt: number
}

/** Share of users who are awake, by hour of the day (UTC). */
const awake = [12, 9, 8, 8, 10, 16, 28, 45, 66, 82, 90, 94, 92, 93, 96, 98, 100, 99, 94, 86, 74, 56, 36, 20]

/**
 * A subscription product with about 400 active users (at scale 1): they sign up, browse in sessions, buy plans and credits,
 * change plans, fail to pay and try again, renew each month, and leave. About 19 in 20 events are page views.
 */
export function createAnalyticsWorld(options: WorldOptions): World {
  const { seed, scale } = options
  const start = Math.floor(options.start / minuteMs) * minuteMs
  const random = createRandom(seed, 'analytics', 'users')
  const deliveries = createDueQueue({ start, tickMs: minuteMs, horizonMs: longestOfflineMs + 10 * minuteMs })
  const wakes = createDueQueue({ start, tickMs: minuteMs, horizonMs: 32 * dayMs })
  let now = start
  let nextUser = 1

  function newUser(at: number): User {
    const plan = pickFirstPlan(random)
    const stays = random.chance(0.3) ? random.exponential(30 * dayMs) : random.exponential(dayMs)
    return {
      id: `u_${String(nextUser++).padStart(6, '0')}`,
      device: createDevice(random),
      currency: pickCurrency(random),
      plan,
      leavesAt: at + hourMs + stays,
      renewsAt: plan === 0 ? Infinity : at + 30 * dayMs,
      failedRenewals: 0,
      session: undefined,
      nextAt: 0,
      nextSessionAt: 0,
    }
  }

  /** Takes note of `nextAt`, unless the user will have left by then. */
  function sleep(user: User): void {
    if (user.nextAt < user.leavesAt) wakes.add(user.nextAt, 0, user)
  }

  function planSession(user: User, after: number): void {
    user.session = undefined
    user.nextSessionAt = after + Math.round(random.exponential(11 * hourMs))
  }

  /** Sends an event; a key given is that of an earlier event for the same fact. */
  function send(user: User, type: string, at: number, payload: Row, device = user.device, key = uuid(random)): string {
    const fact: Row = {
      schema_version: 'v1',
      event_type: type,
      event_id: uuid(random),
      idempotency_key: key,
      user_id: user.id,
      session_id: user.session?.id ?? null,
      device,
      occurred_at: BigInt(at),
      payload,
    }
    for (const { sentAt, deliveredAt } of sendEvent(random, at, device['type'] === 'mobile')) {
      deliveries.add(deliveredAt, 0, { ...fact, produced_at: BigInt(sentAt) })
    }
    return key
  }

  /** Charges the user. A purchase is sometimes clicked twice: another event, the same key. @returns true when paid */
  function charge(user: User, at: number, plan: number | undefined, amount: string, device = user.device): boolean {
    const bought: Row = { ...(plan === undefined ? {} : { plan: plans[plan] }), amount, currency: user.currency }
    if (random.chance(0.14)) {
      send(user, 'payment_failed', at, { ...bought, failure_reason: pickFailure(random) }, device)
      return false
    }
    const key = send(user, 'purchase', at, bought, device)
    if (random.chance(0.01)) send(user, 'purchase', at + random.between(150, 1200), bought, device, key)
    if (plan !== undefined) {
      user.plan = plan
      user.renewsAt = plan === 0 ? Infinity : at + 30 * dayMs
    }
    return true
  }

  function renew(user: User, at: number): void {
    if (charge(user, at, user.plan, planPrice(user.plan, user.currency), billingDevice)) {
      user.failedRenewals = 0
      return
    }
    user.renewsAt = at + [1, 3, 5][user.failedRenewals]! * dayMs
    if (++user.failedRenewals === 3) user.leavesAt = at
  }

  /** What is bought in a session, if anything: another plan or credits. */
  function wish(user: User): { plan: number | undefined; amount: string } | undefined {
    const u = random.float()
    if (u < 0.045 && user.plan < plans.length - 1) {
      const plan = user.plan + 1
      return { plan, amount: planPrice(plan, user.currency) }
    }
    if (u > 0.99 && user.plan > 1) return { plan: user.plan - 1, amount: planPrice(user.plan - 1, user.currency) }
    if (u > 0.1 && u < 0.24) return { plan: undefined, amount: creditPrice(random, user.currency) }
    return undefined
  }

  const pages = ['/app', '/app/projects', '/app/reports', '/docs', '/blog', '/account', '/pricing'] as const

  function view(user: User, session: Session, at: number): void {
    const before = session.page
    const page = before === undefined && random.chance(0.4) ? '/' : random.pick(pages)
    session.page = page === '/app/projects' ? `${page}/${random.between(1, 60)}` : page
    const url = `https://app.example.com${session.page}`
    const outside = random.chance(0.5)
      ? { referrer: random.pick(['https://search.example/', 'https://mail.example/']) }
      : {}
    send(
      user,
      'page_view',
      at,
      before === undefined ? { url, ...outside } : { url, referrer: `https://app.example.com${before}` },
    )
  }

  function act(user: User, at: number): void {
    const session = user.session
    if (session === undefined) {
      if (at >= user.renewsAt) return renew(user, at)
      if (random.int(100) >= awake[new Date(at).getUTCHours()]!) return planSession(user, at)
      user.session = { id: `s_${random.hex(16)}`, pagesLeft: 1 + random.poisson(4), page: undefined, unpaid: undefined }
      user.nextAt = at
      return
    }
    user.nextAt = at + Math.max(2000, Math.round(random.exponential(45_000)))
    if (session.unpaid !== undefined) {
      const { plan, amount } = session.unpaid
      if (charge(user, at, plan, amount) || ++session.unpaid.tries === 3) session.unpaid = undefined
      return
    }
    if (session.pagesLeft-- > 0) return view(user, session, at)
    const wanted = wish(user)
    if (wanted !== undefined && !charge(user, at, wanted.plan, wanted.amount) && random.chance(0.7)) {
      session.unpaid = { ...wanted, tries: 1 }
      return
    }
    planSession(user, at)
  }

  function signUp(at: number): void {
    const user = newUser(at)
    user.session = { id: `s_${random.hex(16)}`, pagesLeft: 2 + random.poisson(3), page: '/', unpaid: undefined }
    send(user, 'user_signup', at, { plan: plans[user.plan], url: 'https://app.example.com/signup' })
    user.nextAt = at + random.between(5000, 60_000)
    sleep(user)
  }

  for (let i = Math.max(1, Math.round(400 * scale)); i > 0; i--) {
    const user = newUser(start)
    if (user.plan > 0) user.renewsAt = start + random.int(30 * dayMs)
    user.leavesAt = start + random.exponential(30 * dayMs)
    planSession(user, start)
    user.nextAt = Math.min(user.nextSessionAt, user.renewsAt)
    sleep(user)
  }

  return {
    get now() {
      return now
    },
    step(emit) {
      const end = now + minuteMs
      for (const { row } of wakes.takeTick()) {
        const user = row as User
        while (user.nextAt < end && user.nextAt < user.leavesAt) {
          act(user, user.nextAt)
          if (user.session === undefined) user.nextAt = Math.min(user.nextSessionAt, user.renewsAt)
        }
        sleep(user)
      }
      const hour = awake[new Date(now).getUTCHours()]!
      for (let n = random.poisson((scale * 45 * hour) / (1440 * 60)); n > 0; n--) signUp(now + random.int(minuteMs))
      for (const due of deliveries.takeTick()) emit(0, due.row as Row, due.at)
      now = end
    },
  }
}
