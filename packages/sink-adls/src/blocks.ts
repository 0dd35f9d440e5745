import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BlockBlobClient } from '@azure/storage-blob'
import { StoreError } from '@sluice/ingest-core'
import { adlsError, isBodyMismatch } from './adls-errors.ts'
import type { AdlsSettings } from './adls-options.ts'

const firstWaitMs = 100
const longestWaitMs = 5_000

/**
 * Stages a body as blocks and gives their ids; nothing shows before they are committed. All writers of one key share its uncommitted blocks, so
 * the ids of each call are its own: else a racing writer could put its bytes under our id. Blocks that are never committed are forgotten by
 * Azure after a week.
 */
export async function stageBlocks(
  blob: BlockBlobClient,
  settings: AdlsSettings,
  key: string,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<string[]> {
  const upload = randomUUID()
  const count = Math.ceil(body.length / settings.blockBytes)
  const ids = Array.from({ length: count }, (_, i) =>
    Buffer.from(`${upload}-${String(i).padStart(6, '0')}`).toString('base64'),
  )
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  let next = 0
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const bytes = body.subarray(index * settings.blockBytes, (index + 1) * settings.blockBytes)
      await stageOne(blob, settings, { key, id: ids[index]!, bytes, index }, either)
    }
  }
  const workers = Array.from({ length: Math.min(settings.parallelBlocks, count) }, () =>
    work().catch((error: unknown) => {
      // The first failure stops the others; theirs only say so.
      if (!failed.signal.aborted) failed.abort(error)
    }),
  )
  await Promise.all(workers)
  signal.throwIfAborted()
  if (failed.signal.aborted) throw failed.signal.reason
  return ids
}

/** Stages one block, again while the store is away: the same bytes under the same id change nothing. */
async function stageOne(
  blob: BlockBlobClient,
  settings: AdlsSettings,
  block: { readonly key: string; readonly id: string; readonly bytes: Uint8Array; readonly index: number },
  signal: AbortSignal,
): Promise<void> {
  const { key, id, bytes, index } = block
  const what = `putting block ${index} of ${key}`
  const transactionalContentMD5 = createHash('md5').update(bytes).digest()
  for (let tries = 1; ; tries++) {
    try {
      const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(settings.requestMs)])
      await blob.stageBlock(id, bytes, bytes.length, { transactionalContentMD5, abortSignal })
      return
    } catch (error) {
      signal.throwIfAborted()
      const explained = isBodyMismatch(error) ? spoilt(what, key, error) : adlsError(error, what, key, 'read')
      const again = explained instanceof StoreError && explained.code === 'STORE_UNAVAILABLE'
      if (!again || tries >= settings.blockAttempts) throw explained
      const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** (tries - 1))
      await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal })
    }
  }
}

/** Other bytes arrived than were sent: nothing was written, and it may go better (RELIABILITY fault 50). */
export function spoilt(what: string, key: string, cause: unknown): StoreError {
  const text = `adls: ${what}: other bytes arrived than were sent; it is tried again`
  return new StoreError('STORE_UNAVAILABLE', text, { store: 'adls', key, cause })
}
