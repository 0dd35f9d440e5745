import type { Contract } from '@sluice/schemas'
import type { PartitionId } from '../contracts/records.ts'
import type { Reject } from '../contracts/sink.ts'
import type { DecodeService } from '../decode/decoded.ts'
import type { SchemaResolver } from '../decode/schema-resolver.ts'
import type { FileEncoders } from '../sink/file-encoders.ts'
import { storedColumns } from '../sink/file-sink.ts'
import type { FlushSpec } from '../sink/flush-spec.ts'
import { fetchedFromRecords } from './letters-slab.ts'
import type { LetterStatus } from './letter.ts'
import type { Landing } from './replay-ledger.ts'

export interface LandingContext {
  readonly partition: PartitionId
  /** Of the newest committed flush of the partition. */
  readonly spec: FlushSpec
  readonly contract: Contract
  /** Of the rows in files. */
  readonly table: Contract
  readonly decoder: DecodeService
  readonly schemas: SchemaResolver
  readonly encoders: FileEncoders
  /** Position in the ledger; part of the file names, which makes them unlike any other. */
  readonly seq: number
  readonly decidedAt: number
}

export interface LandingPlan {
  readonly landing: Landing | undefined
  readonly rejects: readonly { readonly key: string; readonly attempt: number; readonly reject: Reject }[]
  /** Keys of letters that the contract leaves out. */
  readonly filtered: readonly string[]
}

/**
 * Decodes letters of one partition through the same stage as fresh records, and plans how the good ones land. Everything
 * the files are made of goes into the plan.
 */
export async function planLanding(
  context: LandingContext,
  tried: readonly { readonly status: LetterStatus; readonly value: Uint8Array | null }[],
): Promise<LandingPlan> {
  const { partition, contract, decoder, schemas } = context
  const sorted = [...tried].sort((a, b) => a.status.letter.offset - b.status.letter.offset)
  const records = sorted.map(({ status, value }) => {
    const { offset, timestamp, headers } = status.letter
    return { offset, timestamp, value, headers }
  })
  const fetched = fetchedFromRecords(partition, records)
  const batches = await decoder.decode(fetched, fetched.start)
  decoder.release(partition)

  const rejects = new Map(batches.flatMap((batch) => batch.rejects.map((reject) => [reject.offset, reject] as const)))
  const ids = new Map<number, number>()
  for (const { batch } of batches) {
    const offsets = columnOf(batch, '_offset')
    const schemaIds = columnOf(batch, '_schema_id')
    for (let row = 0; row < batch.length; row++) ids.set(Number(offsets[row]), Number(schemaIds[row]))
  }
  const landed = sorted.filter(({ status }) => ids.has(status.letter.offset))
  const filtered = sorted.filter(({ status: { letter } }) => !ids.has(letter.offset) && !rejects.has(letter.offset))
  return {
    rejects: sorted.flatMap(({ status: { key, letter } }) => {
      const reject = rejects.get(letter.offset)
      return reject === undefined ? [] : [{ key, attempt: letter.attempt, reject }]
    }),
    filtered: filtered.map(({ status }) => status.key),
    landing: landed.length === 0 ? undefined : await landingOf(context, landed, writerIds(contract, ids), schemas),
  }
}

function writerIds(contract: Contract, ids: ReadonlyMap<number, number>): number[] {
  return contract.format === 'json' ? [] : [...new Set(ids.values())].sort((a, b) => a - b)
}

async function landingOf(
  { spec, contract, table, encoders, seq, decidedAt }: LandingContext,
  landed: readonly { readonly status: LetterStatus; readonly value: Uint8Array | null }[],
  ids: readonly number[],
  schemas: SchemaResolver,
): Promise<Landing> {
  const { derivation: _former, ...settings } = spec
  const derivation = contract.derived === undefined ? {} : { derivation: contract.derived.id }
  const first = landed[0]!.status.letter.offset
  const last = landed.at(-1)!.status.letter.offset
  return {
    end: last + 1,
    contract,
    schemas: await Promise.all(
      ids.map(async (id) => {
        const verdict = await schemas.verdict(contract, id)
        if (verdict.kind !== 'writer') throw new TypeError(`schema ${id} has just been used and is ${verdict.kind}`)
        return { id, schema: verdict.schema }
      }),
    ),
    letters: landed.map(({ status: { key, letter }, value }) => ({
      key,
      offset: letter.offset,
      timestamp: letter.timestamp,
      value: Buffer.from(value!).toString('base64'),
      headers: letter.headers === null ? null : Buffer.from(letter.headers).toString('base64'),
    })),
    spec: {
      ...settings,
      ...derivation,
      start: first,
      contract: table.name,
      table: table.table,
      columns: storedColumns(table),
      eventTime: table.eventTime,
      eventTimeUnit: table.eventTimeUnit,
      partitionBy: table.partitionBy,
      encoderId: encoders.id(spec.file),
      ingestedAt: decidedAt,
      // A letter waited for a person: lateness says nothing about it.
      latenessMs: Number.MAX_SAFE_INTEGER,
      watermark: null,
      patterns: { ...spec.patterns, data: replayPattern(spec.patterns.data, seq) },
    },
  }
}

/** File names that no flush has: `replay-3~<topic>+0+17-18.parquet`. */
function replayPattern(pattern: string, seq: number): string {
  const at = pattern.lastIndexOf('/') + 1
  const name = pattern.slice(at)
  return `${pattern.slice(0, at)}replay-${seq}~${name === '' ? '{topic}' : name}`
}

function columnOf(
  batch: {
    readonly schema: { readonly fields: readonly { readonly name: string }[] }
    readonly columns: readonly { readonly values?: unknown }[]
  },
  name: string,
): Int32Array | BigInt64Array {
  const at = batch.schema.fields.findIndex((field) => field.name === name)
  return batch.columns[at]!.values as Int32Array | BigInt64Array
}
