import { createHash } from 'node:crypto'
import { SchemaError } from '@sluice/schemas/columns'
import type { ObjectStore } from '../contracts/object-store.ts'
import { StoreError } from '../errors/store-error.ts'
import { chainFolder } from '../layout/layout.ts'
import { encodeSegment } from '../layout/segment.ts'

/** Which schema each id had when records were first read with it, kept with the progress of a sink (fault 43). */
export interface SchemaLedger {
  /**
   * Writes down the fingerprint of an id, or holds it against what is written.
   * @throws {SchemaError} REGISTRY_CORRUPT when the id had another schema before: a registry that was restored or replaced would
   *   have records read wrongly without an error. REGISTRY_UNAVAILABLE when the store cannot be asked: wait.
   */
  hold(id: number, fingerprint: string): Promise<void>
}

export interface SchemaLedgerOptions {
  /** The store of the sink, open. */
  readonly store: ObjectStore
  readonly sinkId: string
  /** As the sink's: empty or ending in `/`. */
  readonly prefix?: string
}

/** One create-only object per id, so that writers of any number agree: `_ingest/_schemas/<sink>/<id>`. */
export function createSchemaLedger(options: SchemaLedgerOptions): SchemaLedger {
  const { store, sinkId, prefix = '' } = options
  const folder = `${prefix}${chainFolder}_schemas/${encodeSegment(sinkId)}/`
  const held = new Map<number, string>()

  return {
    async hold(id, fingerprint) {
      if (held.get(id) === fingerprint) return
      const body = Buffer.from(`${JSON.stringify({ format: 'sluice-schema-id-1', id, fingerprint })}\n`)
      const digest = createHash('sha256').update(body).digest('hex')
      let same: boolean
      try {
        const put = await store.putIfAbsent(`${folder}${id}`, body, digest, {}, new AbortController().signal)
        same = put.outcome === 'created' || put.head.sha256 === digest
      } catch (cause) {
        if (!(cause instanceof StoreError)) throw cause
        throw new SchemaError('REGISTRY_UNAVAILABLE', `cannot compare schema id ${id} with what it was before`, {
          cause,
        })
      }
      if (!same) {
        throw new SchemaError(
          'REGISTRY_CORRUPT',
          `schema id ${id} has another schema than when ${sinkId} first read it (${folder}${id}); was the registry restored or replaced?`,
        )
      }
      held.set(id, fingerprint)
    },
  }
}
