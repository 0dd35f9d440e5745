import type { LakeView, StoredObject } from './lake-view.ts'

/** What the auditor takes from a `.done` object. Read by its own code: a reader shared with the product would share its faults. */
export interface DoneRecord {
  readonly key: string
  readonly partition: number
  readonly start: number
  readonly end: number
  readonly files: readonly {
    readonly key: string
    readonly kind: 'data' | 'late' | 'dead'
    readonly rows: number
    readonly bytes: number
    readonly sha256: string
  }[]
  readonly counts: Readonly<Record<'consumed' | 'stored' | 'late' | 'filtered' | 'deadLettered', number>>
}

const pattern = /^_ingest\/[^/]+\/[^/]+\/(\d+)\/(\d{20})\.(plan|done)$/

/** Partition, start and kind of a record of the commit chain; undefined for any other object. */
export function chainKey(
  key: string,
): { readonly partition: number; readonly start: number; readonly kind: 'plan' | 'done' } | undefined {
  const match = pattern.exec(key)
  if (match === null) return undefined
  return { partition: Number(match[1]), start: Number(match[2]), kind: match[3] as 'plan' | 'done' }
}

export async function readDone(view: LakeView, key: string): Promise<DoneRecord> {
  const { partition } = chainKey(key)!
  const body = JSON.parse(Buffer.from(await view.read(key)).toString('utf8')) as Omit<DoneRecord, 'key' | 'partition'>
  return { ...body, key, partition }
}

/** Ends of the last done flush, by partition; 0 where there is none. */
export async function readProgress(
  view: LakeView,
  objects: readonly StoredObject[],
  partitions: number,
): Promise<number[]> {
  const last: (string | undefined)[] = Array.from({ length: partitions }, () => undefined)
  for (const { key } of objects) {
    const found = chainKey(key)
    // Objects come by key, so the last one has the highest start.
    if (found?.kind === 'done') last[found.partition] = key
  }
  return Promise.all(last.map(async (key) => (key === undefined ? 0 : (await readDone(view, key)).end)))
}
