import { createCanonicalRow, hashRow } from './canonical-row.ts'
import type { Feed, Row } from './domain.ts'
import type { FaultName, FaultRates } from './fault-names.ts'
import { applicableFaults, planFaults } from './fault-plan.ts'
import { type EnvelopeIds, formatOf, writerVersionOf } from './feed-format.ts'
import { partitionForKey } from './murmur2.ts'
import { createRandom } from './prng.ts'
import { breakRule } from './rule-faults.ts'
import { fieldsOf, presentBranch, type SchemaField, timestampUnit } from './schema-fields.ts'
import type { Expectation, SimulatedRecord } from './simulated-record.ts'
import { createLatenessTruth } from './truth.ts'

export interface FeedStreamOptions {
  readonly feed: Feed
  readonly seed: string
  readonly run: number
  readonly faults: FaultRates
  readonly partitions: number
  /** Version to write with; the latest when left out. */
  readonly writerVersion?: number
  readonly ids: EnvelopeIds
  /** Record limit of the pipeline; `oversized` goes one byte beyond. */
  readonly maxRecordBytes: number
  readonly watermarks?: readonly (number | null)[]
  readonly nextOffsets?: readonly number[]
  /** Compute `rowHash`. */
  readonly hashRows: boolean
}

export interface FeedStream {
  readonly feed: Feed
  /** Records emitted and still held back. */
  readonly committed: number
  /** Turns a row into records, zero (held back) or more, appended to `out`. `room`: how many may still be made. */
  accept(row: Row, at: number, room: number, out: SimulatedRecord[]): void
  /** Releases what is held back. */
  flush(at: number, out: SimulatedRecord[]): void
  watermarks(): (number | null)[]
  nextOffsets(): number[]
}

type Held = { readonly releaseAt: number } & (
  | { readonly kind: 'row'; readonly row: Row; readonly fault: FaultName }
  | { readonly kind: 'duplicate'; readonly of: SimulatedRecord }
)

/** Most bytes of keys remembered with their partition. */
const keyCacheEntries = 20_000

export function createFeedStream(options: FeedStreamOptions): FeedStream {
  const { feed, faults, partitions, ids, maxRecordBytes, hashRows } = options
  const { contract } = feed
  const topic = feed.name
  const versions = contract.versions
  const latest = versions.at(-1)!
  const writer = writerVersionOf(feed, options.writerVersion)
  const readerFields = fieldsOf(contract.schema)
  const writerFields = fieldsOf(writer.schema)
  const format = formatOf(feed, writer, ids)
  const other = writer === latest ? versions.at(-2) : latest
  const otherFormat = other === undefined ? undefined : formatOf(feed, other, ids)
  const canonical = createCanonicalRow(contract.schema)
  const { damages } = format
  const plan = planFaults(faults, applicableFaults(contract, damages, writer !== latest))
  const random = createRandom(options.seed, options.run, topic, 'faults')

  const timeField = contract.eventTime
  const timeUnit = contract.eventTimeUnit === 'micro' ? 1000 : 1
  const lateness = contract.latenessMs * timeUnit
  const truth = createLatenessTruth({
    partitions,
    lateness,
    ...(options.watermarks === undefined ? {} : { initial: options.watermarks }),
  })
  const timeFields = readerFields.filter(
    (field) => field.name === timeField || timestampUnit(presentBranch(field.type)) !== undefined,
  )

  const offsets = Array.from({ length: partitions }, (_, p) => options.nextOffsets?.[p] ?? 0)
  const keys = new Map<string, { readonly key: Uint8Array; readonly partition: number }>()
  let held: Held[] = []
  let accepted = 0
  let emitted = 0
  let hotKeys: readonly unknown[] | undefined

  function keyOf(row: Row): { readonly key: Uint8Array; readonly partition: number } {
    let text = ''
    for (let i = 0; i < contract.key.length; i++) text += (i === 0 ? '' : '|') + String(row[contract.key[i]!])
    let entry = keys.get(text)
    if (entry === undefined) {
      const key = new TextEncoder().encode(text)
      entry = { key, partition: partitionForKey(key, partitions) }
      if (keys.size >= keyCacheEntries) keys.clear()
      keys.set(text, entry)
    }
    return entry
  }

  function idOf(row: Row): string | null {
    return contract.id === undefined ? null : String(row[contract.id])
  }

  function emit(
    record: Omit<SimulatedRecord, 'topic' | 'offset' | 'expect' | 'rowHash'>,
    out: SimulatedRecord[],
  ): SimulatedRecord {
    const { partition, row, code } = record
    let expect: Expectation = 'dead-letter'
    let rowHash: string | undefined
    if (row !== null) {
      expect = truth.next(partition, Number(row[timeField])) ? 'late' : 'stored'
      if (hashRows) rowHash = record.duplicateOf?.rowHash ?? hashRow(canonical(row))
    } else if (code === undefined) expect = 'filtered'
    const offset = offsets[partition]!
    offsets[partition] = offset + 1
    const full: SimulatedRecord = { topic, ...record, offset, expect, ...(rowHash === undefined ? {} : { rowHash }) }
    out.push(full)
    emitted++
    return full
  }

  /** All timestamps of a row moved by the same amount, so that their order holds. */
  function shifted(row: Row, by: number): Row {
    const copy = { ...row }
    for (const field of timeFields) {
      const value = copy[field.name]
      if (value === null || value === undefined) continue
      const own = field.name === timeField ? timeUnit : unitsPerMs(field)
      copy[field.name] = (value as bigint) + BigInt(Math.round((by / timeUnit) * own))
    }
    return copy
  }

  function emitRow(row: Row, fault: FaultName | undefined, at: number, out: SimulatedRecord[]): SimulatedRecord {
    const { key, partition } = keyOf(row)
    const value = format.encode(row)
    const record = { partition, key, value, timestamp: at, row: format.read(row), id: idOf(row) }
    return emit(fault === undefined ? record : { ...record, fault }, out)
  }

  /** Emits `row` with a fault. @returns false when this row cannot have it */
  function emitFault(row: Row, fault: FaultName, at: number, room: number, out: SimulatedRecord[]): boolean {
    const { key, partition } = keyOf(row)
    const base = { partition, key, timestamp: at, id: idOf(row), fault }
    const damage = damages[fault]
    if (damage !== undefined) {
      const made = damage(row, random)
      if (made !== undefined) emit({ ...base, ...made, row: null }, out)
      return made !== undefined
    }
    const watermark = truth.watermark(partition)
    switch (fault) {
      case 'tombstone':
        if (contract.tombstones === 'skip') emit({ ...base, value: null, row: null }, out)
        else emit({ ...base, value: null, row: null, code: 'null_value' }, out)
        return true
      case 'oversized': {
        const value = new Uint8Array(maxRecordBytes + 1)
        value.set(format.encode(row).subarray(0, maxRecordBytes))
        emit({ ...base, value, code: 'record_too_large', row: null }, out)
        return true
      }
      case 'rule_break': {
        for (let attempt = 0; attempt < 4; attempt++) {
          const rule = random.pick(contract.rules)
          const broken = breakRule(row, rule, contract.rules, writerFields, random)
          if (broken === undefined) continue
          const at = keyOf(broken)
          emit({ ...base, ...at, value: format.encode(broken), code: `rule_${rule.name}`, row: null }, out)
          return true
        }
        return false
      }
      case 'old_version':
      case 'new_version':
        emit({ ...base, value: otherFormat!.encode(row), row: otherFormat!.read(row) }, out)
        return true
      case 'late':
        if (watermark === -Infinity) return false
        emitRow(shifted(row, watermark - random.between(1, lateness) - Number(row[timeField])), fault, at, out)
        return true
      case 'too_late': {
        if (watermark === -Infinity) return false
        const beyond = 1 + random.int(lateness)
        emitRow(shifted(row, watermark - lateness - beyond - Number(row[timeField])), fault, at, out)
        return true
      }
      case 'clock_skew':
        emitRow(shifted(row, random.between(1, Math.max(1, Math.floor(lateness / 10)))), fault, at, out)
        return true
      case 'hot_key': {
        hotKeys ??= contract.key.map((name) => row[name])
        const hot = { ...row, ...Object.fromEntries(contract.key.map((name, i) => [name, hotKeys![i]])) }
        emitRow(hot, fault, at, out)
        return true
      }
      case 'out_of_order':
        held.push({ kind: 'row', row, fault, releaseAt: accepted + random.between(1, 20) })
        return true
      case 'duplicate': {
        if (room < 2) return false
        const of = emitRow(row, undefined, at, out)
        held.push({ kind: 'duplicate', of, releaseAt: accepted + random.between(0, 50) })
        return true
      }
      default:
        return false
    }
  }

  function release(one: Held, at: number, out: SimulatedRecord[]): void {
    if (one.kind === 'row') {
      emitRow(one.row, one.fault, at, out)
      return
    }
    const { partition, key, value, row, id } = one.of
    emit({ partition, key, value, row, id, timestamp: at, fault: 'duplicate', duplicateOf: one.of }, out)
  }

  return {
    feed,
    get committed() {
      return emitted + held.length
    },
    accept(row, at, room, out) {
      accepted++
      const fault = plan(random.float())
      if (fault === undefined || !emitFault(row, fault, at, room, out)) emitRow(row, undefined, at, out)
      if (held.length === 0) return
      const due = held.filter((one) => one.releaseAt <= accepted)
      if (due.length === 0) return
      held = held.filter((one) => one.releaseAt > accepted)
      for (const one of due) release(one, at, out)
    },
    flush(at, out) {
      const rest = held
      held = []
      for (const one of rest) release(one, at, out)
    },
    watermarks: () => truth.snapshot(),
    nextOffsets: () => [...offsets],
  }
}

/** Units of a timestamp field in one millisecond. */
function unitsPerMs(field: SchemaField): number {
  return timestampUnit(presentBranch(field.type))?.perMs ?? 1
}
