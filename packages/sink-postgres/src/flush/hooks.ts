/**
 * Places in the commit protocol where a test may stop a process, in the order they are reached. A flush meets either
 * `after_table_lock` and `after_load`, or `after_staging` and `after_copy`, or, when its load is refused, both.
 */
export const postgresHookPoints = [
  'before_acquire',
  'after_acquire',
  'before_begin',
  'after_begin',
  'after_lock',
  'after_table_lock',
  'after_load',
  'after_staging',
  'after_copy',
  'after_merge',
  'after_dead_letters',
  'before_commit',
  'after_commit',
] as const

export type PostgresHookPoint = (typeof postgresHookPoints)[number]

/** Called at each point; the sink waits, and an error thrown here ends the call that reached it. */
export interface PostgresHooks {
  at(point: PostgresHookPoint, detail: { readonly partition: string; readonly start: number }): Promise<void> | void
}
