import type { ObjectStore } from '../contracts/object-store.ts'
import type { Landed } from './sink.ts'

/**
 * Offsets that a reader finds who only lists folders, for file sinks that write JSON Lines with the usual folders `late/` and
 * `dead-letter-queue/`. Objects of the commit chain are not data.
 */
export async function readLandedFiles(
  store: ObjectStore,
  signal: AbortSignal = new AbortController().signal,
): Promise<Landed> {
  const landed = { stored: [] as number[], late: [] as number[], dead: [] as number[] }
  for await (const { key } of store.list('', signal)) {
    if (key.includes('_ingest/')) continue
    const lines = new TextDecoder().decode(await store.get(key, signal)).split('\n')
    for (const text of lines.filter((line) => line !== '')) {
      const line = JSON.parse(text) as { readonly offset?: number; readonly _offset?: number }
      if (key.includes('dead-letter-queue/')) landed.dead.push(line.offset!)
      else (key.includes('late/') ? landed.late : landed.stored).push(line._offset!)
    }
  }
  return landed
}
