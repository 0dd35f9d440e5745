import { waitFor } from '@sluice/ingest-core'

/** Waits for `work`, but no longer than `ms`; says whether it settled. Its failure is thrown. */
export async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = new AbortController()
  try {
    return await Promise.race([work.then(() => true), waitFor(ms, settled.signal).then(() => false)])
  } finally {
    settled.abort()
  }
}
