/** What the flushes of a table have taught so far; kept in memory, shared by its partitions. */
export interface Habits {
  /** Flushes for which broken constraints are asked about before the first try. */
  suspicious: number
  /** Flushes for which the shortcut for new keys is not tried: most keys were known, or it failed. */
  known: number
  /** Merges that bring nothing but new rows which have to be seen before rows go straight into the table again. */
  wait: number
  /** What `wait` becomes at the next refusal. */
  nextWait: number
}

export const suspiciousFlushes = 32
export const knownFlushes = 16
const firstWait = 4
const longestWait = 256

export function freshHabits(): Habits {
  return { suspicious: 0, known: 0, wait: 0, nextWait: firstWait }
}

/** A row stopped the load: what it had written by then is dead weight in the table, so it is tried more seldom. */
export function loadRefused(habits: Habits): void {
  habits.wait = habits.nextWait
  habits.nextWait = Math.min(longestWait, 2 * habits.nextWait)
}

export function loadTaken(habits: Habits): void {
  habits.nextWait = firstWait
}

/** A merge shows for nothing whether a load would have been taken. */
export function merged(habits: Habits, onlyNew: boolean): void {
  if (onlyNew) habits.wait = Math.max(0, habits.wait - 1)
  else if (habits.wait > 0) habits.wait = Math.max(firstWait, habits.wait)
}
