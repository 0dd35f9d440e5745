import { PipelineError, pipelineErrors } from './errors.ts'

/** What an error means for a partition. */
export type Failure = 'retry' | 'fenced' | 'stop' | 'run'

/**
 * Codes of sources, sinks and stores after which trying again cannot help: what they say is wrong stays wrong until
 * somebody decides. Every other infrastructure error is retried with back-off, because losing nothing is always safe.
 */
const finalCodes: ReadonlySet<string> = new Set([
  'OFFSET_OUT_OF_RANGE',
  'TOPIC_CHANGED',
  'CLUSTER_CHANGED',
  'OWNER_MISMATCH',
  'IDENTITY_MISMATCH',
  'CHAIN_BROKEN',
  'CHAIN_MISMATCH',
  'PLAN_UNSUPPORTED',
  'PLAN_MISMATCH',
  'DIGEST_MISMATCH',
  'FOREIGN_OBJECT',
  'STORE_CORRUPT',
  'STORE_UNSUPPORTED',
  'STORE_KEY_INVALID',
])

export function classifyFailure(error: unknown): Failure {
  if (error instanceof PipelineError) {
    const { scope, retry } = pipelineErrors[error.code]
    if (scope === 'run') return 'run'
    return retry === 'later' ? 'retry' : 'stop'
  }
  // Drivers give their errors codes; one without is a defect, and half alive is worse than down (fault 84).
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return 'run'
  const { code } = error
  if (code === 'FENCED') return 'fenced'
  return finalCodes.has(code) ? 'stop' : 'retry'
}

/** The stable code of an error, or its class name. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return 'Error'
}
