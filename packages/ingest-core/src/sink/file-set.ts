import { sameType } from '@sluice/columnar'
import type { Column, ColumnBatch, DataType, FileEncoder, Schema } from '@sluice/columnar'
import type { Reject, SinkBatch, SinkUsage } from '../contracts/sink.ts'
import { formatHour } from '../layout/civil-time.ts'
import { templateContext } from '../layout/layout.ts'
import { parseTemplate } from '../layout/path-template.ts'
import { sha256Hex } from './canonical-json.ts'
import { deadLetterBatch } from './dead-letter-file.ts'
import { SinkError } from './errors.ts'
import type { FileEncoders } from './file-encoders.ts'
import type { DeadList, FileKind, FinishedFile, FinishedFlush, FlushSpec, Verdict } from './flush-spec.ts'
import { createRowRouter } from './row-router.ts'

export interface FileSetOptions {
  readonly spec: FlushSpec
  /** Of dead-letter files: `deadLetterColumns()`, handed over so that a worker need not load the contracts. */
  readonly deadColumns: Schema
  /** The dead records of an adopted plan: what arrives must agree with it. */
  readonly planned?: DeadList
}

/**
 * The open files of one flush of one partition. Synchronous and without I/O, so that it runs in any thread. What it
 * writes is a function of the records, the spec and the end: never of how records were batched, or of the clock.
 */
export interface FileSet {
  /**
   * Sends the rows to their files, in offset order, and keeps the rejects.
   * @throws SinkError SINK_BATCH_INVALID, PLAN_MISMATCH; the set is unusable afterwards
   */
  append(batch: SinkBatch): SinkUsage
  /** Closes all files. The set is empty afterwards. */
  finish(end: number): FinishedFlush
}

interface OpenFile {
  readonly kind: FileKind
  readonly path: string
  readonly encoder: FileEncoder
  buffered: number
}

/** Rough memory of a reject besides its bytes. */
const rejectOverhead = 256

export function createFileSet({ spec, deadColumns, planned }: FileSetOptions, encoders: FileEncoders): FileSet {
  const router = createRowRouter(spec)
  const project = createProjection(spec, planned === undefined ? 'SINK_BATCH_INVALID' : 'PLAN_MISMATCH')
  const files: OpenFile[] = []
  const rejects: Reject[] = []
  let plannedAt = 0
  let rows = 0
  let buffered = 0
  let largest = 0

  function fileOf(route: number): OpenFile {
    const open = files[route]
    if (open !== undefined) return open
    const { late, path } = router.routes[route]!
    const file: OpenFile = {
      kind: late ? 'late' : 'data',
      path,
      encoder: encoders.create(spec.file, spec.columns),
      buffered: 0,
    }
    files[route] = file
    return file
  }

  function appendTo(route: number, batch: ColumnBatch, selection?: Int32Array): void {
    const file = fileOf(route)
    file.encoder.append(batch, selection)
    const { bufferedBytes, estimatedBytes } = file.encoder
    buffered += bufferedBytes - file.buffered
    file.buffered = bufferedBytes
    largest = Math.max(largest, estimatedBytes)
  }

  function appendRows(given: ColumnBatch): void {
    if (given.length === 0) return
    const batch = project(given)
    const routes = router.route(batch)
    const first = routes[0]!
    if (routes.every((route) => route === first)) return appendTo(first, batch)
    for (const [route, selection] of grouped(routes, router.routes.length)) appendTo(route, batch, selection)
  }

  /** Agrees with the plan or throws: its dead records in the range are exactly the rejects. */
  function checkPlanned(batch: SinkBatch): void {
    if (planned === undefined) return
    const sorted = [...batch.rejects].sort((a, b) => a.offset - b.offset)
    for (const reject of sorted) {
      const wanted = planned.offsets[plannedAt]
      if (wanted !== reject.offset) throw mismatch(wanted, reject.offset)
      plannedAt += 1
    }
    const wanted = planned.offsets[plannedAt]
    if (wanted !== undefined && wanted < batch.end) throw mismatch(wanted, batch.end)
  }

  function mismatch(wanted: number | undefined, found: number): SinkError {
    const good = wanted === undefined || found < wanted
    const offset = good ? found : wanted
    const { topic, partition } = spec.partition
    return new SinkError(
      'PLAN_MISMATCH',
      `${topic}[${partition}] offset ${offset}: the open plan at ${spec.start} calls this record ${good ? 'good' : 'dead'}, ` +
        `now it is ${good ? 'refused' : 'not refused'}; run the version and schemas that made the plan until it is done`,
      { evidence: { start: spec.start, offset, planned: good ? 'row' : 'dead' } },
    )
  }

  function deadFile(end: number): { readonly file: FinishedFile | undefined; readonly dead: DeadList } {
    if (rejects.length === 0) return { file: undefined, dead: planned ?? { verdicts: [], offsets: [], verdictOf: [] } }
    rejects.sort((a, b) => a.offset - b.offset)
    const dead = planned ?? decide(rejects)
    const encoder = encoders.create({ format: 'jsonl' }, deadColumns)
    const verdicts = rejects.map((_, i) => dead.verdicts[dead.verdictOf[i]!]!)
    encoder.append(deadLetterBatch(deadColumns, spec, rejects, verdicts))
    const context = templateContext({ ...spec, name: spec.contract, topic: spec.partition.topic })
    const path = parseTemplate(spec.patterns.dead, context)
      .parts.map((part) => {
        if (part.kind === 'text') return part.text
        return part.kind === 'ingest' ? formatHour(Math.floor(spec.ingestedAt / 3_600_000), part.format) : ''
      })
      .join('')
    return { file: finished('dead', path, encoder, end), dead }
  }

  function finished(kind: FileKind, path: string, encoder: FileEncoder, end: number): FinishedFile {
    const { partition } = spec.partition
    const key = `${spec.prefix}${path}+${partition}+${spec.start}-${end}.${encoder.extension}`
    const fileRows = encoder.rows
    const bytes = encoder.finish()
    return { key, kind, rows: fileRows, bytes, sha256: sha256Hex(bytes) }
  }

  return {
    append(batch) {
      checkPlanned(batch)
      appendRows(batch.batch)
      rows += batch.batch.length
      for (const reject of batch.rejects) {
        rejects.push(reject)
        buffered += rejectOverhead + bytesOf(reject)
      }
      return { rows, bufferedBytes: buffered, encodedBytes: largest, openFiles: files.length }
    },
    finish(end) {
      if (planned !== undefined && plannedAt < planned.offsets.length) throw mismatch(planned.offsets[plannedAt], end)
      const done = files.map((file) => finished(file.kind, file.path, file.encoder, end))
      const { file, dead } = deadFile(end)
      if (file !== undefined) done.push(file)
      done.sort((a, b) => (a.key < b.key ? -1 : 1))
      files.length = 0
      rejects.length = 0
      const count = (kind: FileKind): number =>
        done.reduce((sum, each) => sum + (each.kind === kind ? each.rows : 0), 0)
      return { files: done, stored: count('data'), late: count('late'), dead, watermark: router.watermark }
    },
  }
}

/** Row numbers per route, ascending. */
function* grouped(routes: Int32Array, count: number): Generator<readonly [number, Int32Array]> {
  const ends = new Int32Array(count)
  for (let row = 0; row < routes.length; row++) ends[routes[row]!]! += 1
  let at = 0
  for (let route = 0; route < count; route++) {
    at += ends[route]!
    ends[route] = at - ends[route]!
  }
  const order = new Int32Array(routes.length)
  for (let row = 0; row < routes.length; row++) order[ends[routes[row]!]!++] = row
  let start = 0
  for (let route = 0; route < count; route++) {
    const end = ends[route]!
    if (end > start) yield [route, order.subarray(start, end)]
    start = end
  }
}

/** Stored columns out of delivered ones, by name; `_ingested_at` is the same for all rows of the flush. */
function createProjection(
  spec: FlushSpec,
  mismatch: 'SINK_BATCH_INVALID' | 'PLAN_MISMATCH',
): (batch: ColumnBatch) => ColumnBatch {
  let delivered: ColumnBatch['schema'] | undefined
  let sources: Int32Array = new Int32Array()
  let ingestedAt = new BigInt64Array()

  function resolve(schema: ColumnBatch['schema']): void {
    sources = Int32Array.from(spec.columns.fields, ({ name, type }) => {
      if (name === '_ingested_at') return -1
      const at = schema.fields.findIndex((field) => field.name === name)
      const found = schema.fields[at]
      if (found !== undefined && sameType(found.type, type)) return at
      const what = found === undefined ? 'no such column' : typeText(found.type)
      throw new SinkError(
        mismatch,
        `table ${spec.table}, flush at ${spec.start}: column ${name} should be ${typeText(type)}, the batch has ${what}`,
        { evidence: { start: spec.start, column: name } },
      )
    })
    delivered = schema
  }

  return (batch) => {
    if (batch.schema !== delivered) resolve(batch.schema)
    const columns: Column[] = spec.columns.fields.map(({ type }, i) => {
      const source = sources[i]!
      if (source >= 0) return batch.columns[source]!
      if (ingestedAt.length < batch.length) {
        ingestedAt = new BigInt64Array(batch.length + (batch.length >> 1)).fill(BigInt(spec.ingestedAt))
      }
      const values = ingestedAt.subarray(0, batch.length)
      return { type, length: batch.length, nullCount: 0, values, constant: true }
    })
    return { schema: spec.columns, length: batch.length, columns }
  }
}

/** A type as text, without field ids, which decoders need not know. */
function typeText(type: DataType): string {
  return JSON.stringify(type, (key, value: unknown) => (key === 'fieldId' || key === 'keyFieldId' ? undefined : value))
}

function decide(rejects: readonly Reject[]): DeadList {
  const verdicts: Verdict[] = []
  const known = new Map<string, number>()
  const verdictOf = rejects.map(({ stage, code, path, expected }) => {
    const name = JSON.stringify([stage, code, path, expected])
    let index = known.get(name)
    if (index === undefined) {
      known.set(name, (index = verdicts.length))
      verdicts.push({ stage, code, path, expected })
    }
    return index
  })
  return { verdicts, offsets: rejects.map((reject) => reject.offset), verdictOf }
}

function bytesOf({ key, value, headers }: Reject): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + (headers?.length ?? 0)
}
