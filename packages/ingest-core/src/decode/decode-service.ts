import type { Transferable } from 'node:worker_threads'
import type { Contract } from '@sluice/schemas'
import type { Fetched, PartitionId, RecordSlab } from '../contracts/records.ts'
import { PipelineError } from '../pipeline/errors.ts'
import { partitionKey } from '../pipeline/partition-key.ts'
import type { IngestWorkers } from '../workers/ingest-workers.ts'
import { WorkerCrash } from '../workers/pool.ts'
import { releaseRows, residentRows } from '../workers/resident-rows.ts'
import { createSharedMemory } from '../workers/shared-memory.ts'
import type { WorkerJob, WorkerPool } from '../workers/pool.ts'
import type { DecodedBatch, DecodeService } from './decoded.ts'
import { cellBeforeRecords } from './request.ts'
import type { DecodeReply, DecodeRequest, SchemaVerdict } from './request.ts'
import type { SchemaResolver } from './schema-resolver.ts'

export interface DecodeServiceOptions {
  readonly workers: IngestWorkers
  readonly contracts: readonly Contract[]
  readonly schemas: SchemaResolver
  /** Workers that one chunk may cost before its partition is stopped. Default 24. */
  readonly maxCrashesPerChunk?: number
  /** Chunks that a partition decodes in the sandbox after it lost a worker. Default 16. */
  readonly sandboxChunks?: number
}

/** What a worker is given of a chunk; `done` when it no longer reads it. */
interface WorkerInput {
  readonly fetched: Fetched
  readonly transfer: readonly Transferable[]
  done(): void
}

interface Range {
  readonly fetched: Fetched
  /** Where the partition stands: what is below was delivered before. */
  readonly from: number
  readonly start: number
  readonly end: number
}

/**
 * Decodes in workers. Schema ids a worker does not know are resolved here, on the main thread, and sent along. A record
 * that ends its worker (memory, endless loop) is searched for in a sandbox worker and becomes a dead letter of its own;
 * its neighbours are decoded as if it were not there (fault 82).
 */
export function createDecodeService(options: DecodeServiceOptions): DecodeService {
  const { workers, schemas, maxCrashesPerChunk = 24, sandboxChunks = 16 } = options
  const contracts = new Map(options.contracts.map((contract) => [contract.topic, contract]))
  const memory = createSharedMemory()
  /** Per partition: offsets that ended a worker. Small, as more than a few stop the partition. */
  const crashers = new Map<string, Set<number>>()
  /** Per partition: chunks still to be decoded in the sandbox. */
  const suspects = new Map<string, number>()

  async function decode(fetched: Fetched, from: number, residence?: object): Promise<DecodedBatch[]> {
    const key = partitionKey(fetched.partition)
    const range: Range = { fetched, from, start: from, end: fetched.end }
    const suspect = suspects.get(key) ?? 0
    if (suspect === 0) {
      try {
        return [await ask(workers.pool, range, { keep: residence === workers.pool })]
      } catch (error) {
        if (!(error instanceof WorkerCrash)) throw error
        suspects.set(key, sandboxChunks)
      }
    } else if (suspect === 1) suspects.delete(key)
    else suspects.set(key, suspect - 1)
    const crashes = { left: maxCrashesPerChunk }
    const batches = await workers.inSandbox((sandbox) => isolate(sandbox, range, crashes))
    if (crashes.left < maxCrashesPerChunk) suspects.set(key, sandboxChunks)
    return batches
  }

  async function isolate(sandbox: WorkerPool, range: Range, crashes: { left: number }): Promise<DecodedBatch[]> {
    for (;;) {
      const cell = new SharedArrayBuffer(8)
      const offset = new Float64Array(cell)
      offset[0] = cellBeforeRecords
      try {
        return [await ask(sandbox, range, { cell })]
      } catch (error) {
        if (!(error instanceof WorkerCrash)) throw error
        crashes.left -= 1
        const at = offset[0]
        if (at === cellBeforeRecords || crashes.left <= 0) throw unisolated(range, error)
        const single = range.end - range.start === 1
        const blamed = single
          ? range.start
          : at >= range.start && (await diesAlone(sandbox, range, at, crashes))
            ? at
            : null
        if (blamed !== null) {
          const known = crashersOf(range.fetched.partition)
          if (known.has(blamed)) throw unisolated(range, error)
          known.add(blamed)
          continue
        }
        // No single record is at fault, but all of them together are too much: less at a time.
        const middle = range.start + Math.floor((range.end - range.start) / 2)
        const first = await isolate(sandbox, { ...range, end: middle }, crashes)
        return [...first, ...(await isolate(sandbox, { ...range, start: middle }, crashes))]
      }
    }
  }

  async function diesAlone(sandbox: WorkerPool, range: Range, at: number, crashes: { left: number }): Promise<boolean> {
    try {
      await ask(sandbox, { ...range, start: at, end: at + 1 }, { cell: new SharedArrayBuffer(8) })
      return false
    } catch (error) {
      if (!(error instanceof WorkerCrash)) throw error
      crashes.left -= 1
      return true
    }
  }

  async function ask(
    pool: WorkerPool,
    range: Range,
    how: { readonly cell?: SharedArrayBuffer; readonly keep?: boolean },
  ): Promise<DecodedBatch> {
    const { fetched, from, start, end } = range
    const key = partitionKey(fetched.partition)
    let incarnation = 0
    const contract = contracts.get(fetched.partition.topic)
    if (contract === undefined) {
      throw new PipelineError('NO_CONTRACT', `no contract for topic ${fetched.partition.topic}`)
    }
    const verdicts = new Map<number, SchemaVerdict>()
    for (;;) {
      let input: WorkerInput | undefined
      const job: WorkerJob = {
        op: 'decode',
        ahead: how.keep === true,
        make: () => {
          incarnation = pool.incarnation(key)
          // Made for a worker that died before it began.
          input?.done()
          input = inputOf(fetched)
          const request: DecodeRequest = {
            fetched: input.fetched,
            from: start,
            to: end,
            countDuplicates: start === from,
            schemas: [...verdicts].map(([id, verdict]) => ({ id, verdict })),
            crashed: [...(crashers.get(key) ?? [])],
            ...(how.cell !== undefined && { cell: how.cell }),
            ...(how.keep === true && { keep: key }),
          }
          return { args: request, transfer: input.transfer }
        },
      }
      const reply = await pool.run<DecodeReply>(key, job).finally(() => input?.done())
      if (reply.kind === 'decoded') {
        if (reply.kept === undefined) return reply.decoded
        return { ...reply.decoded, resident: residentRows(pool, key, incarnation, reply.kept) }
      }
      if (reply.kind === 'corrupt') {
        throw new PipelineError(
          'BATCH_CORRUPT',
          `${fetched.partition.topic}[${fetched.partition.partition}] offsets [${fetched.start}, ${fetched.end}): ` +
            `${reply.code}: ${reply.message}`,
        )
      }
      await Promise.all(reply.ids.map(async (id) => verdicts.set(id, await schemas.verdict(contract, id))))
    }
  }

  /** The worker gets shared bytes or a copy: sources hand out views, and what a worker dies of is needed for another try. */
  function inputOf({ release: _release, ...fetched }: Fetched): WorkerInput {
    if (fetched.kind === 'batches') {
      const bytes = memory.share(fetched.bytes)
      const done = (): void => (bytes === fetched.bytes ? undefined : memory.giveBack(bytes))
      return { fetched: { ...fetched, bytes }, transfer: [], done }
    }
    const { slab, transfer } = copyOfSlab(fetched.slab)
    return { fetched: { ...fetched, slab }, transfer, done: () => undefined }
  }

  function crashersOf(partition: PartitionId): Set<number> {
    const key = partitionKey(partition)
    let known = crashers.get(key)
    if (known === undefined) crashers.set(key, (known = new Set()))
    return known
  }

  return {
    decode,
    release(partition) {
      const key = partitionKey(partition)
      crashers.delete(key)
      suspects.delete(key)
      releaseRows(workers.pool, key)
      workers.pool.release(key)
    },
  }
}

function unisolated(range: Range, cause: WorkerCrash): PipelineError {
  const { partition } = range.fetched
  return new PipelineError(
    'DECODE_CRASH_UNISOLATED',
    `${partition.topic}[${partition.partition}] offsets [${range.start}, ${range.end}) end every worker (${cause.kind}), and no ` +
      'single record could be blamed; look at these offsets with a consumer of your own',
    { cause },
  )
}

/** Arrays of a slab in memory of their own. */
function copyOfSlab(from: RecordSlab): { slab: RecordSlab; transfer: Transferable[] } {
  const slab: RecordSlab = {
    bytes: new Uint8Array(from.bytes),
    length: from.length,
    offsets: from.offsets.slice(0, from.length),
    timestamps: from.timestamps.slice(0, from.length),
    keyStart: from.keyStart.slice(0, from.length),
    keyEnd: from.keyEnd.slice(0, from.length),
    valueStart: from.valueStart.slice(0, from.length),
    valueEnd: from.valueEnd.slice(0, from.length),
    headersStart: from.headersStart.slice(0, from.length),
    headersEnd: from.headersEnd.slice(0, from.length),
  }
  const buffers = new Set<Transferable>()
  for (const part of Object.values(slab)) if (ArrayBuffer.isView(part)) buffers.add(part.buffer as ArrayBuffer)
  return { slab, transfer: [...buffers] }
}
