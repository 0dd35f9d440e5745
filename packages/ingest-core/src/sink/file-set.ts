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
import type { DeadList, FileKind, FinishedFile, FinishedFlush, FlushSpec, SealedFlush, Verdict } from './flush-spec.ts'
import { createRowRouter } from './row-router.ts'
import { createRowStage } from './row-stage.ts'

export interface FileSetOptions {
  readonly spec: FlushSpec
  /** Of dead-letter files: `deadLetterColumns()`, handed over so that a worker need not load the contracts. */
  readonly deadColumns: Schema
  /** The dead records of an adopted plan: what arrives must agree with it. */
  readonly planned?: DeadList
  /** Files that have an encoder from their first row on; the rows of further small ones wait in a `RowStage`. Default 16. */
  readonly encodersAtOnce?: number
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
  /** Ends the flush at `end`: nothing is appended any more, and its files are there to be taken. */
  seal(end: number): SealedFlush
  /** The next files of a sealed flush, a few megabytes at a time, in any order. None: all were taken. */
  take(): readonly FinishedFile[]
  /** Files of the sealed flush that were not taken yet. */
  readonly left: number
  /** Seals, and takes everything. */
  finish(end: number): FinishedFlush
}

interface OpenFile {
  readonly kind: FileKind
  readonly path: string
  /** None as long as the rows wait in the stage. */
  readonly encoder: FileEncoder | undefined
  buffered: number
  rows: number
}

/** Rough memory of a reject besides its bytes. */
const rejectOverhead = 256
/** The same of a file: its path, its routes, its line in the done record. */
const fileOverhead = 1024
/** A file that begins with so many rows at once is not a small one: they are as large as the memory an encoder begins with. */
const largeStart = 256
/** `take` ends with the file that brings it to this. */
const takeBytes = 4 * 1024 * 1024
const takeFiles = 64

export function createFileSet(options: FileSetOptions, encoders: FileEncoders): FileSet {
  const { spec, deadColumns, planned, encodersAtOnce = 16 } = options
  const router = createRowRouter(spec)
  const project = createProjection(spec, planned === undefined ? 'SINK_BATCH_INVALID' : 'PLAN_MISMATCH')
  const files: OpenFile[] = []
  const stage = createRowStage()
  const rejects: Reject[] = []
  let withEncoder = 0
  let mostStaged = 0
  let plannedAt = 0
  let rows = 0
  let buffered = 0
  let largest = 0
  let pending: Generator<FinishedFile> | undefined
  let left = 0

  function fileOf(route: number, first: number): OpenFile {
    const open = files[route]
    if (open !== undefined) return open
    const { late, path } = router.routes[route]!
    const own = withEncoder < encodersAtOnce || first >= largeStart
    const encoder = own ? encoders.create(spec.file, spec.columns) : undefined
    if (own) withEncoder += 1
    buffered += fileOverhead
    return (files[route] = { kind: late ? 'late' : 'data', path, encoder, buffered: 0, rows: 0 })
  }

  /** Returns false when the rows are for the stage. */
  function appendTo(route: number, batch: ColumnBatch, selection?: Int32Array): boolean {
    const count = selection?.length ?? batch.length
    const file = fileOf(route, count)
    file.rows += count
    if (file.encoder === undefined) {
      mostStaged = Math.max(mostStaged, file.rows)
      return false
    }
    file.encoder.append(batch, selection)
    const { bufferedBytes, estimatedBytes } = file.encoder
    buffered += bufferedBytes - file.buffered
    file.buffered = bufferedBytes
    largest = Math.max(largest, estimatedBytes)
    return true
  }

  function appendRows(given: ColumnBatch): void {
    if (given.length === 0) return
    const batch = project(given)
    const routes = router.route(batch)
    const first = routes[0]!
    if (routes.every((route) => route === first)) {
      if (!appendTo(first, batch)) stage.add(batch, ascending(batch.length), routes)
      return
    }
    const staged: Int32Array[] = []
    for (const [route, selection] of grouped(routes, router.routes.length)) {
      if (!appendTo(route, batch, selection)) staged.push(selection)
    }
    if (staged.length > 0) stage.add(batch, joined(staged), routes)
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

  function deadFile(end: number, dead: DeadList): FinishedFile {
    const encoder = encoders.create({ format: 'jsonl' }, deadColumns)
    const verdicts = rejects.map((_, i) => dead.verdicts[dead.verdictOf[i]!]!)
    encoder.append(deadLetterBatch(deadColumns, spec, rejects, verdicts))
    rejects.length = 0
    const context = templateContext({ ...spec, name: spec.contract, topic: spec.partition.topic })
    const path = parseTemplate(spec.patterns.dead, context)
      .parts.map((part) => {
        if (part.kind === 'text') return part.text
        return part.kind === 'ingest' ? formatHour(Math.floor(spec.ingestedAt / 3_600_000), part.format) : ''
      })
      .join('')
    return finished('dead', path, encoder, end)
  }

  function finished(kind: FileKind, path: string, encoder: FileEncoder, end: number): FinishedFile {
    const { partition } = spec.partition
    const key = `${spec.prefix}${path}+${partition}+${spec.start}-${end}.${encoder.extension}`
    const fileRows = encoder.rows
    const bytes = encoder.finish()
    return { key, kind, rows: fileRows, bytes, sha256: sha256Hex(bytes) }
  }

  /** Writes one file after the other and lets go of what it is made of. */
  function* closing(end: number, dead: DeadList): Generator<FinishedFile> {
    if (rejects.length > 0) yield deadFile(end, dead)
    for (let route = 0; route < files.length; route++) {
      const { kind, path, encoder } = files[route]!
      if (encoder === undefined) continue
      files[route] = { kind, path, encoder: undefined, buffered: 0, rows: 0 }
      yield finished(kind, path, encoder, end)
    }
    for (const { route, batch, selection } of stage.drain()) {
      const encoder = encoders.create(spec.file, spec.columns)
      encoder.append(batch, selection)
      yield finished(files[route]!.kind, files[route]!.path, encoder, end)
    }
    files.length = 0
  }

  function seal(end: number): SealedFlush {
    if (planned !== undefined && plannedAt < planned.offsets.length) throw mismatch(planned.offsets[plannedAt], end)
    rejects.sort((a, b) => a.offset - b.offset)
    const none: DeadList = { verdicts: [], offsets: [], verdictOf: [] }
    const dead = planned ?? (rejects.length === 0 ? none : decide(rejects))
    const rowsOf = (wanted: FileKind): number =>
      files.reduce((sum, file) => sum + (file.kind === wanted ? file.rows : 0), 0)
    pending = closing(end, dead)
    left = files.length + (rejects.length > 0 ? 1 : 0)
    return {
      files: left,
      stored: rowsOf('data'),
      late: rowsOf('late'),
      dead,
      watermark: router.watermark,
    }
  }

  function take(): FinishedFile[] {
    const taken: FinishedFile[] = []
    let bytes = 0
    while (bytes < takeBytes && taken.length < takeFiles) {
      const next = pending?.next()
      if (next === undefined || next.done === true) break
      taken.push(next.value)
      bytes += next.value.bytes.length
    }
    left -= taken.length
    return taken
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
      return {
        rows,
        bufferedBytes: buffered + stage.heldBytes,
        encodedBytes: Math.max(largest, Math.ceil(mostStaged * stage.bytesPerRow)),
        openFiles: files.length,
      }
    },
    seal,
    take,
    get left() {
      return left
    },
    finish(end) {
      const { files: _count, ...sealed } = seal(end)
      const done: FinishedFile[] = []
      for (let more = take(); more.length > 0; more = take()) done.push(...more)
      done.sort((a, b) => (a.key < b.key ? -1 : 1))
      return { files: done, ...sealed }
    },
  }
}

function ascending(length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => i)
}

function joined(selections: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(selections.reduce((sum, selection) => sum + selection.length, 0))
  let at = 0
  for (const selection of selections) {
    all.set(selection, at)
    at += selection.length
  }
  return all
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
