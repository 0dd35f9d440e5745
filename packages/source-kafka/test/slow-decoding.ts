/** The group waits so long for a silent member, ms. */
export const sessionMs = 6000

/** A thread of slow-worker.ts is busy with its first batch for so long, ms. */
export const blockMs = 8000

/** Decodes at a crawl, once. */
export const slowWorkerUrl = new URL('./slow-worker.ts', import.meta.url)
