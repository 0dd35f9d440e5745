import { median } from '../median.ts'

/** One run of one way. */
export interface RunFigures {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** How many times faster than the plain ways, and with how many times less processor time. */
export interface Ratio {
  readonly eventsPerSecond: number
  readonly cpu: number
}

/**
 * The ways take turns, and a machine that is slower for a minute is so for one round: in each round ours is compared with the plain way that
 * was the better one in it, and the median over the rounds counts.
 */
export function ratioPerRound(ours: readonly RunFigures[], plain: readonly (readonly RunFigures[])[]): Ratio {
  const best = (round: number, of: keyof RunFigures): number => Math.min(...plain.map((runs) => runs[round]![of]))
  const ratioOf = (of: keyof RunFigures): number => median(ours.map((run, round) => best(round, of) / run[of]))
  return { eventsPerSecond: ratioOf('seconds'), cpu: ratioOf('cpuSeconds') }
}
