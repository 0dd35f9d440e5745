import { GeneratorError } from './errors.ts'

/**
 * How many events per second are wanted at a moment, as a pure function of the seconds since the start.
 * `cumulative(t)` is the exact integral of `at`, so a controller can be driven by it without drift.
 */
export interface RateProfile {
  readonly name: string
  /** Events per second wanted at `seconds`. */
  at(seconds: number): number
  /** Events wanted in [0, seconds]. Never falls. */
  cumulative(seconds: number): number
}

function checked(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isFinite(value) || value < 0) {
      throw new GeneratorError('RATE_INVALID', `rate profile: ${name} must be a number >= 0, got ${value}`)
    }
  }
}

/** The same rate for ever. */
export function constantRate(perSecond: number): RateProfile {
  checked({ perSecond })
  return { name: 'constant', at: () => perSecond, cumulative: (t) => perSecond * t }
}

/** From `from` to `to` events/s in a straight line over `seconds`, then `to`. */
export function rampRate(options: {
  readonly from: number
  readonly to: number
  readonly seconds: number
}): RateProfile {
  const { from, to, seconds } = options
  checked({ from, to, seconds })
  const slope = seconds === 0 ? 0 : (to - from) / seconds
  return {
    name: 'ramp',
    at: (t) => (t >= seconds ? to : from + slope * t),
    cumulative: (t) => {
      const inside = Math.min(t, seconds)
      return from * inside + (slope * inside * inside) / 2 + Math.max(0, t - seconds) * to
    },
  }
}

/** `base` events/s, and `peak` during the last `burstSeconds` of every `everySeconds`. */
export function burstRate(options: {
  readonly base: number
  readonly peak: number
  readonly everySeconds: number
  readonly burstSeconds: number
}): RateProfile {
  const { base, peak, everySeconds, burstSeconds } = options
  checked({ base, peak, everySeconds, burstSeconds })
  if (everySeconds === 0 || burstSeconds > everySeconds) {
    throw new GeneratorError(
      'RATE_INVALID',
      'rate profile: burstSeconds must not exceed everySeconds, which must be > 0',
    )
  }
  const quiet = everySeconds - burstSeconds
  const perCycle = base * quiet + peak * burstSeconds
  return {
    name: 'burst',
    at: (t) => (t % everySeconds >= quiet ? peak : base),
    cumulative: (t) => {
      const cycles = Math.floor(t / everySeconds)
      const rest = t - cycles * everySeconds
      return cycles * perCycle + Math.min(rest, quiet) * base + Math.max(0, rest - quiet) * peak
    },
  }
}

/** A day in `daySeconds`: a cosine between `low` (at the start) and `high` (half a day later). */
export function diurnalRate(options: {
  readonly low: number
  readonly high: number
  readonly daySeconds?: number
}): RateProfile {
  const { low, high, daySeconds = 86_400 } = options
  checked({ low, high, daySeconds })
  if (daySeconds === 0 || high < low) {
    throw new GeneratorError('RATE_INVALID', 'rate profile: daySeconds must be > 0 and high must not be below low')
  }
  const mean = (low + high) / 2
  const swing = (high - low) / 2
  const omega = (2 * Math.PI) / daySeconds
  return {
    name: 'diurnal',
    at: (t) => mean - swing * Math.cos(omega * t),
    cumulative: (t) => mean * t - (swing / omega) * Math.sin(omega * t),
  }
}

/** Long runs: warms up in a straight line over `warmUpSeconds` (default 60), then holds `perSecond` without end. */
export function soakRate(options: { readonly perSecond: number; readonly warmUpSeconds?: number }): RateProfile {
  const ramp = rampRate({ from: 0, to: options.perSecond, seconds: options.warmUpSeconds ?? 60 })
  return { ...ramp, name: 'soak' }
}
