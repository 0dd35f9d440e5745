import type { ByteBudget } from './byte-budget.ts'
import type { Expansion } from './expansion.ts'

/** What one chunk holds of the budget on its way from the source to the sink. */
export interface ChunkCharge {
  /** The records have become rows and rejects of these sizes, bytes. */
  decoded(sizes: readonly number[]): void
  /** The sink has `bytes` of them: from then on its own count is the one that matters. */
  handedOver(bytes: number): void
  /** Safe to call twice. */
  close(): void
}

/** The chunks of one partition. */
export interface ChunkCharges {
  /** On the budget now, bytes. */
  readonly bytes: number
  /** Charges a chunk with what it is likely to take. */
  open(fetchedBytes: number): ChunkCharge
}

export function createChunkCharges(budget: ByteBudget, expansion: Expansion): ChunkCharges {
  let total = 0
  return {
    get bytes() {
      return total
    },
    open(fetchedBytes) {
      const account = budget.open(0)
      const set = (bytes: number): void => {
        total += bytes - account.bytes
        account.set(bytes)
      }
      set(Math.ceil(fetchedBytes * expansion.factor))
      return {
        decoded(sizes) {
          // What was fetched is kept as the origin of the batches.
          const held = sizes.reduce((sum, size) => sum + size, fetchedBytes)
          expansion.saw(fetchedBytes, held)
          set(held)
        },
        handedOver: (bytes) => set(account.bytes - bytes),
        close() {
          set(0)
          account.close()
        },
      }
    },
  }
}
