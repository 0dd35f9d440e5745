import { schemaErrors } from '@sluice/schemas/columns'
import { logErrors } from '../errors/log-error.ts'
import { sourceErrors } from '../errors/source-error.ts'
import { storeErrors } from '../errors/store-error.ts'
import { layoutErrors } from '../layout/errors.ts'
import { sinkErrors } from '../sink/errors.ts'
import { PipelineError, pipelineErrors } from './errors.ts'

/** What an error means for a partition. */
export type Failure = 'retry' | 'fenced' | 'stop' | 'run'

/** Advice of the error tables of all parts a pipeline is made of. */
const advice: ReadonlyMap<string, { readonly retry: string }> = new Map(
  Object.entries({ ...schemaErrors, ...logErrors, ...sourceErrors, ...storeErrors, ...sinkErrors, ...layoutErrors }),
)

/**
 * `stop` when the table of the code says that trying again cannot help: somebody has to decide. Codes of no table are a
 * driver's or the system's own (`ECONNRESET`): retried with back-off, which loses nothing.
 */
export function classifyFailure(error: unknown): Failure {
  if (error instanceof PipelineError) {
    const { scope, retry } = pipelineErrors[error.code]
    if (scope === 'run') return 'run'
    return retry === 'later' ? 'retry' : 'stop'
  }
  // Drivers give their errors codes; one without is a defect, and half alive is worse than down (fault 84).
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return 'run'
  if (error.code === 'FENCED') return 'fenced'
  return advice.get(error.code)?.retry === 'never' ? 'stop' : 'retry'
}

/** The stable code of an error, or its class name. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return 'Error'
}

/** True for errors of sinks and their stores: nothing more can be asked of them. */
export function isSinkCode(code: string): boolean {
  return code in sinkErrors || code in storeErrors || code in layoutErrors
}
