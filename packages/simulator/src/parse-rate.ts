import { burstRate, constantRate, diurnalRate, rampRate, soakRate, type RateProfile } from '@sluice/generators'
import { duration } from '@sluice/runtime'
import { SimulatorError } from './errors.ts'

/** Numbers by name, read from the text; lengths of time are in seconds. */
type Values = Readonly<Record<string, number>>

interface RateForm {
  /** Names of events per second; all required. */
  readonly rates: readonly string[]
  /** Names of lengths of time, with the default in seconds where there is one. */
  readonly times: Readonly<Record<string, number | undefined>>
  readonly example: string
  readonly meaning: string
  readonly profile: (values: Values) => RateProfile
}

/** The profiles that `--rate` can name; the README lists them. */
export const rateForms: Readonly<Record<string, RateForm>> = {
  constant: {
    rates: ['rate'],
    times: {},
    example: '1000',
    meaning: 'the same rate for ever; short for `constant:rate=1000`',
    profile: (v) => constantRate(v['rate']!),
  },
  ramp: {
    rates: ['from', 'to'],
    times: { over: undefined },
    example: 'ramp:from=10,to=500,over=30s',
    meaning: 'from one rate to another in a straight line, then the second',
    profile: (v) => rampRate({ from: v['from']!, to: v['to']!, seconds: v['over']! }),
  },
  burst: {
    rates: ['base', 'peak'],
    times: { every: undefined, burst: undefined },
    example: 'burst:base=50,peak=2000,every=20s,burst=3s',
    meaning: '`base`, and `peak` in the last part of every period',
    profile: (v) =>
      burstRate({ base: v['base']!, peak: v['peak']!, everySeconds: v['every']!, burstSeconds: v['burst']! }),
  },
  diurnal: {
    rates: ['low', 'high'],
    times: { day: 86_400 },
    example: 'diurnal:low=20,high=900,day=1h',
    meaning: 'a cosine between `low` and, half a day later, `high`; a day is as long as `day`',
    profile: (v) => diurnalRate({ low: v['low']!, high: v['high']!, daySeconds: v['day']! }),
  },
  soak: {
    rates: ['rate'],
    times: { warmup: 60 },
    example: 'soak:rate=1000,warmup=60s',
    meaning: 'warms up in a straight line, then holds the rate without end',
    profile: (v) => soakRate({ perSecond: v['rate']!, warmUpSeconds: v['warmup']! }),
  },
}

/**
 * Reads `--rate`: events per second, or `<profile>:<name>=<value>,…` as in `rateForms`.
 * @throws {SimulatorError} RATE_UNREADABLE
 * @throws {GeneratorError} RATE_INVALID when the numbers make no profile
 */
export function parseRate(text: string): RateProfile {
  if (/^\d*\.?\d+$/.test(text)) return constantRate(Number(text))
  const [kind, ...rest] = text.split(':')
  const form = Object.hasOwn(rateForms, kind!) ? rateForms[kind!] : undefined
  if (form === undefined) {
    const known = Object.keys(rateForms).join(', ')
    throw new SimulatorError('RATE_UNREADABLE', `rate "${text}" is neither a number nor one of: ${known}`)
  }
  const given = new Map<string, string>()
  for (const part of rest.join(':').split(',')) {
    const [name = '', value = ''] = part.split('=')
    if (!form.rates.includes(name) && !Object.hasOwn(form.times, name)) {
      throw new SimulatorError('RATE_UNREADABLE', `rate "${text}": ${kind} has no "${name}"; example: ${form.example}`)
    }
    given.set(name, value)
  }
  const missing = (name: string): never => {
    throw new SimulatorError(
      'RATE_UNREADABLE',
      `rate "${text}": "${name}" is missing or wrong; example: ${form.example}`,
    )
  }
  const values: Record<string, number> = {}
  for (const name of form.rates) {
    const value = given.get(name)
    values[name] = value !== undefined && /^\d*\.?\d+$/.test(value) ? Number(value) : missing(name)
  }
  for (const [name, standard] of Object.entries(form.times)) {
    const value = given.get(name)
    if (value === undefined) values[name] = standard ?? missing(name)
    else {
      const read = duration().safeParse(value)
      values[name] = read.success ? read.data / 1000 : missing(name)
    }
  }
  return form.profile(values)
}
