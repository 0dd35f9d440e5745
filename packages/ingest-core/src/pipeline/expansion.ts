/**
 * How much memory fetched bytes take before they are in the sink, learned from the chunks that went through: record batches are
 * compressed, columns are not. A chunk is charged with the estimate when it is fetched, so that the budget knows before the memory is
 * taken, not after.
 */
export interface Expansion {
  /** Whether a chunk has gone through. */
  readonly known: boolean
  /** Memory per fetched byte, the byte itself included; never below 2: of most sources a worker gets a copy. */
  readonly factor: number
  /** What a chunk of `fetchedBytes` took at its height, bytes. */
  saw(fetchedBytes: number, heldBytes: number): void
  /** Most that a sink took for rows beyond what they took before, lately: files that it opens cost something when empty. */
  readonly surplus: number
  /** A sink took `more` bytes than the rows had taken, or less (negative). */
  sawSurplus(more: number): void
}

/** Before anything is known. */
const firstFactor = 4
const leastFactor = 2
/** Rises at once, falls by this share of the difference per chunk. */
const falling = 0.1

export function createExpansion(): Expansion {
  let factor: number | undefined
  let surplus = 0
  return {
    get known() {
      return factor !== undefined
    },
    get factor() {
      return factor ?? firstFactor
    },
    get surplus() {
      return surplus
    },
    sawSurplus(more) {
      surplus = Math.max(more, surplus - (falling / 10) * surplus)
    },
    saw(fetchedBytes, heldBytes) {
      if (fetchedBytes === 0) return
      const seen = Math.max(leastFactor, heldBytes / fetchedBytes)
      factor = factor === undefined || seen > factor ? seen : factor + falling * (seen - factor)
    },
  }
}
