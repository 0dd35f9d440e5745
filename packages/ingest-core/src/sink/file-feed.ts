import type { FinishedFile } from './flush-spec.ts'

/** The files of a sealed flush, one at a time, taken from where they are encoded while earlier ones are on their way. */
export interface FileFeed {
  /** The next file, or undefined when there is none. May be asked by several at once. */
  next(): Promise<FinishedFile | undefined>
  /** The file is not dealt with: it comes again. */
  giveBack(file: FinishedFile): void
}

/**
 * `take` answers with the next of `files` files. It is called once at a time, and ahead: at once, and when fewer than `ahead` files wait. So
 * encoding and putting go on side by side, and no more than two answers are held.
 */
export function createFileFeed(take: () => Promise<readonly FinishedFile[]>, files: number, ahead: number): FileFeed {
  const waiting: FinishedFile[] = []
  let taking: Promise<void> | undefined
  let taken = 0
  let ended = false

  function takeMore(): Promise<void> {
    taking ??= take()
      .then((next) => {
        taken += next.length
        ended = taken >= files || next.length === 0
        waiting.push(...next)
      })
      .finally(() => {
        taking = undefined
      })
    return taking
  }

  /** Whoever needs these files asks again and is told of a failure then. */
  function lookAhead(): void {
    if (!ended && waiting.length < ahead) takeMore().catch(() => undefined)
  }

  lookAhead()
  return {
    async next() {
      while (waiting.length === 0 && !ended) await takeMore()
      const file = waiting.shift()
      lookAhead()
      return file
    },
    giveBack(file) {
      waiting.unshift(file)
    },
  }
}
