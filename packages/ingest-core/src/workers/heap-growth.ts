import { setFlagsFromString } from 'node:v8'

/**
 * Lets the JavaScript heaps of this process grow to `1 + percent / 100` times what survived a collection before the next
 * one, instead of as V8 sees fit. V8 counts the memory of typed arrays towards the same limit, and what a pipeline moves is
 * typed arrays: with a heap of 10 MB it would walk all of it again after every 10 or 20 MB of data, on other cores and in
 * the way of the work. Costs about that factor times the live heap in memory, per thread.
 *
 * A setting of the whole process, for those who own it: call it once, at the start, before threads are made.
 * @param percent at least 1
 * @throws {RangeError} when it is not
 * @see docs/decisions/0070-heap-growth.md
 */
export function letHeapGrow(percent = 400): void {
  if (!Number.isInteger(percent) || percent < 1) {
    throw new RangeError(`heap growth is ${percent} %; give a whole number of at least 1`)
  }
  setFlagsFromString(`--heap-growing-percent=${percent}`)
}
