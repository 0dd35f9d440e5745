import type { PartitionId } from '../contracts/records.ts'
import { SinkError } from './errors.ts'
import type { DeadList, FileKind, FlushSpec } from './flush-spec.ts'
import { RecordReader } from './record-reader.ts'

/** Newest layout of plans that this code can carry out; older code refuses newer plans (RELIABILITY fault 80). */
export const planVersion = 1

/** First object of a chain: fixes identity and where it began. */
export interface Genesis {
  readonly version: 1
  readonly sinkId: string
  /** Consumer group, or what else owns the sink. */
  readonly owner: string
  readonly clusterId: string
  readonly topicId: string
  readonly topic: string
  readonly partition: number
  readonly first: number
}

export interface PlanCounts {
  /** Records that become rows, stored or late. */
  readonly rows: number
  readonly filtered: number
  readonly dead: number
  /** Redeliveries the planner met; they are not records of the range. For information. */
  readonly redelivered: number
}

/** The decision about one flush: with the log it determines every byte that is written (RELIABILITY 4a). */
export interface Plan {
  readonly version: number
  readonly start: number
  readonly end: number
  /** The `.done` it follows; null for the first. */
  readonly previous: { readonly start: number; readonly sha256: string } | null
  readonly spec: FlushSpec
  readonly counts: PlanCounts
  /** The list, or where it lies when it is long. */
  readonly dead: DeadList | { readonly object: string; readonly sha256: string }
}

export interface DoneFile {
  readonly key: string
  readonly kind: FileKind
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}

/** What is there: written when every file of the plan is. */
export interface Done {
  readonly version: 1
  readonly start: number
  readonly end: number
  readonly plan: string
  readonly files: readonly DoneFile[]
  readonly counts: {
    readonly consumed: number
    readonly stored: number
    readonly late: number
    readonly filtered: number
    readonly deadLettered: number
  }
  readonly watermark: number | null
}

/** @throws SinkError CHAIN_BROKEN */
export function parseGenesis(body: Uint8Array, key: string): Genesis {
  const read = RecordReader.parse(body, key)
  return {
    version: read.literal('version', 1),
    sinkId: read.text('sinkId'),
    owner: read.text('owner'),
    clusterId: read.text('clusterId'),
    topicId: read.text('topicId'),
    topic: read.text('topic'),
    partition: read.count('partition'),
    first: read.count('first'),
  }
}

/** @throws SinkError CHAIN_BROKEN, PLAN_UNSUPPORTED */
export function parsePlan(body: Uint8Array, key: string): Plan {
  const read = RecordReader.parse(body, key)
  const version = read.count('version')
  if (version > planVersion) {
    throw new SinkError(
      'PLAN_UNSUPPORTED',
      `${key} has version ${version}; this code knows up to ${planVersion}: finish it with the newer release`,
      { evidence: { key, version } },
    )
  }
  const previous = read.optional('previous')
  const plan: Plan = {
    version,
    start: read.count('start'),
    end: read.count('end'),
    previous: previous && { start: previous.count('start'), sha256: previous.digest('sha256') },
    spec: parseSpec(read.record('spec')),
    counts: parsePlanCounts(read.record('counts')),
    dead: parseDead(read.record('dead')),
  }
  if (plan.end <= plan.start) throw read.broken('end', 'an offset above start')
  if (plan.spec.start !== plan.start) throw read.broken('spec.start', 'the start of the plan')
  const { dead } = plan
  if ('offsets' in dead && dead.offsets.length !== plan.counts.dead)
    throw read.broken('counts.dead', 'the length of the dead list')
  return plan
}

/** A dead list that lies beside its plan. @throws SinkError CHAIN_BROKEN */
export function parseDeadObject(body: Uint8Array, key: string): DeadList {
  return parseDeadList(RecordReader.parse(body, key))
}

/** @throws SinkError CHAIN_BROKEN */
export function parseDone(body: Uint8Array, key: string): Done {
  const read = RecordReader.parse(body, key)
  const counts = read.record('counts')
  const done: Done = {
    version: read.literal('version', 1),
    start: read.count('start'),
    end: read.count('end'),
    plan: read.digest('plan'),
    files: read.list('files').map((file) => ({
      key: file.text('key'),
      kind: file.oneOf('kind', ['data', 'late', 'dead']),
      rows: file.count('rows'),
      bytes: file.count('bytes'),
      sha256: file.digest('sha256'),
    })),
    counts: {
      consumed: counts.count('consumed'),
      stored: counts.count('stored'),
      late: counts.count('late'),
      filtered: counts.count('filtered'),
      deadLettered: counts.count('deadLettered'),
    },
    watermark: read.integerOrNull('watermark'),
  }
  if (done.end <= done.start) throw read.broken('end', 'an offset above start')
  return done
}

function parseSpec(read: RecordReader): FlushSpec {
  const range = read.record('timeRange')
  const patterns = read.record('patterns')
  const file = read.record('file')
  return {
    partition: parsePartition(read.record('partition')),
    start: read.count('start'),
    contract: read.text('contract'),
    table: read.text('table'),
    columns: read.record('columns').value as unknown as FlushSpec['columns'],
    eventTime: read.text('eventTime'),
    eventTimeUnit: read.oneOf('eventTimeUnit', ['milli', 'micro']),
    latenessMs: read.integer('latenessMs'),
    partitionBy: read.list('partitionBy').map((field) => ({
      field: field.text('field'),
      transform: field.oneOf('transform', ['value', 'year', 'month', 'day', 'hour']),
      as: field.text('as'),
    })),
    prefix: read.text('prefix'),
    patterns: { data: patterns.text('data'), late: patterns.text('late'), dead: patterns.text('dead') },
    file: { ...file.value, format: file.oneOf('format', ['parquet', 'jsonl']) } as FlushSpec['file'],
    encoderId: read.text('encoderId'),
    deadEncoderId: read.text('deadEncoderId'),
    timeRange: { min: range.integer('min'), max: range.integer('max') },
    ingestedAt: read.integer('ingestedAt'),
    watermark: read.integerOrNull('watermark'),
    pipeline: read.text('pipeline'),
    pipelineVersion: read.text('pipelineVersion'),
    ...(read.has('derivation') && { derivation: read.text('derivation') }),
  }
}

function parsePartition(read: RecordReader): PartitionId {
  return {
    clusterId: read.text('clusterId'),
    topicId: read.text('topicId'),
    topic: read.text('topic'),
    partition: read.count('partition'),
  }
}

function parsePlanCounts(read: RecordReader): PlanCounts {
  return {
    rows: read.count('rows'),
    filtered: read.count('filtered'),
    dead: read.count('dead'),
    redelivered: read.count('redelivered'),
  }
}

function parseDead(read: RecordReader): Plan['dead'] {
  if (read.has('object')) return { object: read.text('object'), sha256: read.digest('sha256') }
  return parseDeadList(read)
}

function parseDeadList(read: RecordReader): DeadList {
  const verdicts = read.list('verdicts').map((verdict) => ({
    stage: verdict.oneOf('stage', ['envelope', 'schema', 'decode', 'rule', 'sink']),
    code: verdict.text('code'),
    path: verdict.text('path'),
    expected: verdict.text('expected'),
  }))
  const offsets = read.counts('offsets')
  const verdictOf = read.counts('verdictOf')
  offsets.forEach((offset, i) => {
    if (i > 0 && offset <= offsets[i - 1]!) throw read.broken('offsets', 'ascending offsets')
  })
  if (verdictOf.length !== offsets.length || verdictOf.some((index) => index >= verdicts.length)) {
    throw read.broken('verdictOf', 'one verdict per offset')
  }
  return { verdicts, offsets, verdictOf }
}
