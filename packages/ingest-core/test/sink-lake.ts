import type { Landed } from '../src/conformance/sink.ts'
import type { MemoryBucket } from '../src/stores/memory-store.ts'

/** JSONL objects of a lake, by the folder they lie in; keys under `_ingest/` are not data. */
export function dataLines(bucket: MemoryBucket): { readonly key: string; readonly line: Record<string, unknown> }[] {
  return [...bucket.objects.values()]
    .filter(({ key }) => !key.includes('_ingest/'))
    .flatMap(({ key, body }) =>
      new TextDecoder()
        .decode(body)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => ({ key, line: JSON.parse(line) as Record<string, unknown> })),
    )
}

/** Offsets found by a reader that only lists folders. */
export function readLanded(bucket: MemoryBucket): Landed {
  const landed = { stored: [] as number[], late: [] as number[], dead: [] as number[] }
  for (const { key, line } of dataLines(bucket)) {
    if (key.includes('dead-letter-queue/')) landed.dead.push(line['offset'] as number)
    else (key.includes('late/') ? landed.late : landed.stored).push(line['_offset'] as number)
  }
  return landed
}
