/** Places in the commit protocol where a test may stop a process, in the order they are reached. */
export const postgresHookPoints = [
  'before_acquire',
  'after_acquire',
  'before_begin',
  'after_begin',
  'after_lock',
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
