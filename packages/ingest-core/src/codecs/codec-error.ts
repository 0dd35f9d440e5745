import { LogError } from '../errors/log-error.ts'

export function tooLarge(codec: string, maxBytes: number): LogError {
  return new LogError(
    'BATCH_TOO_LARGE',
    `${codec}: the batch inflates to more than ${maxBytes} bytes; raise the limit or ask the producer for smaller batches`,
  )
}

export function malformed(codec: string, what: string, cause?: unknown): LogError {
  return new LogError('BATCH_MALFORMED', `${codec}: the batch does not inflate: ${what}`, { cause })
}
