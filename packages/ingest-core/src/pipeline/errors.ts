/**
 * Codes of the pipeline and its workers. `scope` says what stops: one partition, its topic, or the whole run;
 * `retry` whether the pipeline tries again by itself.
 */
export const pipelineErrors = {
  START_POLICY_NEEDED: { scope: 'partition', retry: 'never' },
  NO_CONTRACT: { scope: 'partition', retry: 'never' },
  BATCH_CORRUPT: { scope: 'partition', retry: 'once' },
  SOURCE_JUMPED: { scope: 'partition', retry: 'never' },
  REGISTRY_UNAVAILABLE: { scope: 'partition', retry: 'later' },
  WORKER_LOST: { scope: 'partition', retry: 'later' },
  DECODE_CRASH_UNISOLATED: { scope: 'partition', retry: 'never' },
  FENCED_TWICE: { scope: 'partition', retry: 'never' },
  CIRCUIT_OPEN: { scope: 'topic', retry: 'never' },
  CONSERVATION_BROKEN: { scope: 'run', retry: 'never' },
  LISTENER_FAILED: { scope: 'run', retry: 'never' },
  POOL_CLOSED: { scope: 'run', retry: 'never' },
  OPTIONS_INVALID: { scope: 'run', retry: 'never' },
  ALREADY_RUN: { scope: 'run', retry: 'never' },
} as const

export type PipelineErrorCode = keyof typeof pipelineErrors

/** An error of the pipeline, never of a record: bad records are dead letters. */
export class PipelineError extends Error {
  readonly code: PipelineErrorCode

  constructor(code: PipelineErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'PipelineError'
    this.code = code
  }
}
