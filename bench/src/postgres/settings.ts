/** How ours is set up. */
export interface Settings {
  readonly flushRows: number
  readonly budgetBytes: number
  readonly pollBytes: number
  readonly chunksAhead: number
  readonly connections: number
  /** Young generation of the decode thread, MB. */
  readonly youngMb: number
  /** 1: flushes of new keys go straight into the table, as by default. 0: all are merged. */
  readonly direct: number
}

/** Settings for small memory: partitions commit after 15,000 rows each, beside each other, before the budget makes them. */
export const smallMemory: Settings = {
  flushRows: 15_000,
  budgetBytes: 48 * 1024 * 1024,
  pollBytes: 256 * 1024,
  chunksAhead: 2,
  connections: 2,
  youngMb: 8,
  direct: 1,
}
