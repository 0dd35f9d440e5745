import type { SinkUsage } from '../contracts/sink.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { Expansion } from './expansion.ts'
import type { Holder } from './memory-pressure.ts'

/** What one partition has buffered in the sink, and whether a cut would free it. */
export interface SinkHold extends Holder {
  readonly bytes: number
  /** What the sink holds now, after it was given rows of `givenBytes`. */
  wrote(usage: SinkUsage, givenBytes: number): void
  /** A cut is asked for, or under way. */
  cutBegan(): void
  cutEnded(): void
  /** A cut could not be made before more records are there. */
  cutWaits(): void
  /** The sink holds nothing. */
  emptied(): void
  close(): void
}

export function createSinkHold(budget: ByteBudget, expansion: Expansion): SinkHold {
  const account = budget.open(0)
  let files = 0
  let cut: 'none' | 'under way' | 'waits' = 'none'
  const bytesWhen = (state: typeof cut): number => (cut === state ? account.bytes : 0)
  return {
    get bytes() {
      return account.bytes
    },
    get cuttableBytes() {
      return bytesWhen('none')
    },
    get freeingBytes() {
      return bytesWhen('under way')
    },
    get stuckBytes() {
      return bytesWhen('waits')
    },
    get fileBytes() {
      return account.bytes / Math.max(1, files)
    },
    wrote({ bufferedBytes, openFiles }, givenBytes) {
      files = openFiles
      expansion.sawSurplus(bufferedBytes - account.bytes - givenBytes)
      account.set(bufferedBytes)
    },
    cutBegan() {
      cut = 'under way'
    },
    cutEnded() {
      if (cut === 'under way') cut = 'none'
    },
    cutWaits() {
      cut = 'waits'
    },
    emptied() {
      cut = 'none'
      account.set(0)
    },
    close: () => account.close(),
  }
}
