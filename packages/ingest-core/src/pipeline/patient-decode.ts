import type { Fetched } from '../contracts/records.ts'
import type { DecodedBatch, DecodeService } from '../decode/decoded.ts'
import type { BackOff } from './back-off.ts'
import { sleep } from './clock.ts'
import type { Clock } from './clock.ts'
import { codeOf } from './failure.ts'

export interface PatientDecodeOptions {
  readonly decoder: DecodeService
  /** Where the sink wants rows to stay. */
  readonly residence: object | undefined
  readonly clock: Clock
  readonly waits: BackOff
  /** Ends the waiting; the error is thrown then. */
  readonly stop: AbortSignal
  /** Called at each answer that the registry cannot be asked. */
  readonly onWait: (thrown: unknown) => void
}

/**
 * Decodes. An outage of the registry, or a password that expired, says nothing about a record: waits, while what is buffered
 * is kept, and asks again (fault 39).
 */
export async function decodePatiently(
  fetched: Fetched,
  from: number,
  { decoder, residence, clock, waits, stop, onWait }: PatientDecodeOptions,
): Promise<DecodedBatch[]> {
  for (;;) {
    try {
      return await decoder.decode(fetched, from, residence)
    } catch (thrown) {
      const outage = ['REGISTRY_UNAVAILABLE', 'REGISTRY_DENIED'].includes(codeOf(thrown))
      if (!outage || stop.aborted) throw thrown
      onWait(thrown)
      await sleep(clock, waits.next(), stop)
    }
  }
}
