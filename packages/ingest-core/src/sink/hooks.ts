/** Places in the commit protocol where a test may stop a process, in the order they are reached. */
export const sinkHookPoints = [
  'before_genesis',
  'after_genesis',
  'before_plan',
  'after_plan',
  'before_put',
  'after_put',
  'after_some_puts',
  'before_done',
  'after_done',
] as const

export type SinkHookPoint = (typeof sinkHookPoints)[number]

/** Called at each point; the sink waits, and an error thrown here ends the call that reached it. */
export interface SinkHooks {
  at(
    point: SinkHookPoint,
    detail: { readonly partition: string; readonly start: number; readonly key: string },
  ): Promise<void> | void
}
