import { StoreError } from '../errors/store-error.ts'

/** Limits that every store we drive keeps; a store may have tighter ones. */
export const maxKeyBytes = 1024
export const maxSegmentBytes = 255

/**
 * The subset of names that all stores take alike: segments of `[A-Za-z0-9_.~%=+-]`, none empty, none `.` or `..`.
 * @throws StoreError STORE_KEY_INVALID
 */
export function checkObjectKey(store: string, key: string): void {
  const wrong = keyFault(key)
  if (wrong !== undefined) {
    throw new StoreError('STORE_KEY_INVALID', `${store}: ${JSON.stringify(key.slice(0, 200))}: ${wrong}`, {
      store,
      key,
    })
  }
}

function keyFault(key: string): string | undefined {
  if (key === '') return 'a key cannot be empty'
  if (key.length > maxKeyBytes) return `a key has at most ${maxKeyBytes} bytes`
  if (!/^[A-Za-z0-9_.~%=+/-]*$/.test(key)) return 'a key has only A-Z a-z 0-9 _ . ~ % = + - and /'
  for (const segment of key.split('/')) {
    if (segment === '') return 'a segment cannot be empty'
    if (segment === '.' || segment === '..') return 'a segment cannot be . or ..'
    if (segment.length > maxSegmentBytes) return `a segment has at most ${maxSegmentBytes} bytes`
  }
  return undefined
}

/** @throws RangeError when `range` is not `0 <= start <= end` in whole numbers */
export function clampRange(bytes: number, range: { readonly start: number; readonly end: number } | undefined) {
  if (range === undefined) return { start: 0, end: bytes }
  const { start, end } = range
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new RangeError(`a range needs 0 <= start <= end, not ${start} to ${end}`)
  }
  return { start: Math.min(start, bytes), end: Math.min(end, bytes) }
}
