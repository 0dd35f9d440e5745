import type { Plan } from './chain-records.ts'

/** Names end in `+<partition>+<start>-<end>.<extension>`. */
const fileName = /([^/]*)\+(\d+)\+(\d+)-(\d+)\.[a-z.]+$/

/** True when one of the plans implies a file of this name. */
export function isOfPlans(key: string, plans: readonly Plan[]): boolean {
  const match = fileName.exec(key)
  return plans.some(
    ({ start, end, spec }) =>
      match !== null &&
      Number(match[2]) === spec.partition.partition &&
      Number(match[3]) === start &&
      Number(match[4]) === end,
  )
}

/** True when the name is one that a flush of one of these topics gives. */
export function looksOurs(key: string, topics: ReadonlySet<string>): boolean {
  const match = fileName.exec(key)
  return match !== null && [...topics].some((topic) => match[1]!.startsWith(topic))
}
