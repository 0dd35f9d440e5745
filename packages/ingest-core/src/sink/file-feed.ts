import type { FinishedFile } from './flush-spec.ts'

/** The files of a sealed flush, one at a time, taken from where they are encoded while earlier ones are on their way. */
export interface FileFeed {
  /** The next file, or undefined when there is none. May be asked by several at once. */
  next(): Promise<FinishedFile | undefined>
  /** The file is not dealt with: it comes again. */
  giveBack(file: FinishedFile): void
}

/**
 * `take` answers with the next files, none when there are no more. It is called once at a time, and ahead: when fewer than
 * `ahead` files wait. So encoding and putting go on side by side, and no more than two answers are held.
 */
export function createFileFeed(take: () => Promise<readonly FinishedFile[]>, ahead: number): FileFeed {
  const waiting: FinishedFile[] = []
  let taking: Promise<void> | undefined
  let ended = false

  function takeMore(): Promise<void> {
    taking ??= take()
      .then((files) => {
        ended = files.length === 0
        waiting.push(...files)
      })
      .finally(() => {
        taking = undefined
      })
    return taking
  }

  return {
    async next() {
      while (waiting.length === 0 && !ended) await takeMore()
      const file = waiting.shift()
      // Whoever needs these files asks again and is told of the failure then.
      if (!ended && waiting.length < ahead) takeMore().catch(() => undefined)
      return file
    },
    giveBack(file) {
      waiting.unshift(file)
    },
  }
}
