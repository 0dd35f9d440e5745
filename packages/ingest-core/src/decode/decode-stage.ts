import { avroDefaults, compileAvroDecoder, compileJsonDecoder, createBatchBuilder, takeRows } from '@sluice/columnar'
import type { BatchBuilder, Column, ColumnBatch, DecodeReject, Decoder } from '@sluice/columnar'
import { arrowSchemaOf, compileDerivation, compileRules, wireContract } from '@sluice/schemas/columns'
import type { Contract } from '@sluice/schemas'
import type { RecordSlab } from '../contracts/records.ts'
import type { Reject } from '../contracts/sink.ts'
import { LogError } from '../errors/log-error.ts'
import { splitRecordBatches } from '../log/record-batch.ts'
import type { SlabScratch } from '../log/slab-scratch.ts'
import type { DecodedBatch } from './decoded.ts'
import { lookAtEnvelopes, SKIP } from './envelope-pass.ts'
import type { EnvelopePass } from './envelope-pass.ts'
import { maxEventTime, oldestRecordTime } from './event-time.ts'
import { createLineageMemory, lineageColumns, lineageFields } from './lineage.ts'
import type { LineageMemory } from './lineage.ts'
import { createRecordScratch } from './record-scratch.ts'
import { rejectBytes, rejectOf, rejectOfBatch } from './reject.ts'
import type { RecordCode } from './reject.ts'
import { cellAfterDecode } from './request.ts'
import type { DecodeLimits, DecodeReply, DecodeRequest } from './request.ts'

/** Bytes in, columns and rejects out. Runs inside a worker; keeps compiled decoders between calls. */
export interface DecodeStage {
  decode(request: DecodeRequest): DecodeReply
  /**
   * The same without copies: columns are views of the stage's memory, which is used again after `release`. For rows that
   * are read in the thread that decoded them. Other replies than `decoded` hold nothing.
   */
  decodeInPlace(request: DecodeRequest): { readonly reply: DecodeReply; release(): void }
}

/** What one chunk's rows lie in. */
interface ChunkMemory {
  readonly builder: BatchBuilder
  readonly lineage: LineageMemory
}

/** Chunk memories kept for the next chunks; more than a few at once happen only while a sink is slow. */
const spareMemories = 8

/**
 * The stage of one contract. Per chunk: split and verify the record batches; look at each record's envelope; decode runs
 * of equal schema ids into one builder, so that old and new producers may alternate (fault 81); check the rules column by
 * column; take the steps of a derived contract and check its rules; put the lineage columns behind. Every record of the range is a row, a reject, filtered or a redelivery.
 */
export function createDecodeStage(given: Contract, limits: DecodeLimits): DecodeStage {
  const contract = wireContract(given)
  const derive = compileDerivation(given)
  const derivation = given.derived === undefined ? {} : { derivation: given.derived.id }
  const decoders = new Map<number, Decoder | RecordCode>()
  const columns = arrowSchemaOf(contract)
  const jsonDecoder =
    contract.format === 'json' ? compileJsonDecoder(columns, { defaults: avroDefaults(contract.schema) }) : undefined
  const brokenRules = compileRules(contract)
  const spare: ChunkMemory[] = []
  const records = createRecordScratch()

  function decoderFor(writer: Contract['schema']): Decoder | RecordCode {
    try {
      return compileAvroDecoder(writer, contract.schema)
    } catch (error) {
      if (error instanceof Error && 'code' in error) return 'schema_incompatible'
      throw error
    }
  }

  function decode(request: DecodeRequest): DecodeReply {
    const memory = spare.pop() ?? { builder: createBatchBuilder(columns), lineage: createLineageMemory() }
    const reply = decodeWith(request, memory.builder, undefined)
    spare.push(memory)
    return reply
  }

  function decodeInPlace(request: DecodeRequest): { reply: DecodeReply; release(): void } {
    const memory = spare.pop() ?? { builder: createBatchBuilder(columns), lineage: createLineageMemory() }
    // Half-filled columns must not reach another chunk: what throws on the way takes its memory along.
    const reply = decodeWith(request, memory.builder, memory.lineage)
    return {
      reply,
      release() {
        if (spare.length < spareMemories) spare.push(memory)
      },
    }
  }

  /** @param lineage memory for columns in place; columns with memory of their own without it */
  function decodeWith(request: DecodeRequest, builder: BatchBuilder, lineage: LineageMemory | undefined): DecodeReply {
    const split = splitOf(request, limits, records.split)
    if ('kind' in split) return split
    const { slab, refused } = split
    // A refusal holds for this request only: the main thread decides when to ask the registry again.
    const refusals = new Map<number, RecordCode>()
    for (const { id, verdict } of request.schemas) {
      if (verdict.kind === 'writer') decoders.set(id, decoderFor(verdict.schema))
      else refusals.set(id, verdict.kind === 'unknown' ? 'schema_unknown' : 'schema_not_allowed')
    }
    const pass = lookAtEnvelopes(slab, request, contract, limits, records, (id) => {
      const decoder = decoders.get(id) ?? refusals.get(id)
      return decoder === undefined || typeof decoder === 'string' ? decoder : 'known'
    })
    if (pass.missing.size > 0) return { kind: 'schemas-needed', ids: [...pass.missing] }
    pass.rejects.push(...refused)
    pass.consumed += refused.length
    return { kind: 'decoded', decoded: decodeRows(slab, request, pass, builder, lineage) }
  }

  function decodeRows(
    slab: RecordSlab,
    request: DecodeRequest,
    pass: EnvelopePass,
    builder: BatchBuilder,
    lineage: LineageMemory | undefined,
  ): DecodedBatch {
    const { ids } = pass
    const refused: DecodeReject[] = []
    const input = { bytes: slab.bytes, starts: pass.bodyStarts, ends: slab.valueEnd }
    const recordOf = records.rows(slab.length)
    const cell = request.cell === undefined ? undefined : new Float64Array(request.cell)
    let rows = 0
    for (let i = 0; i < slab.length;) {
      const id = ids[i]!
      let end = i + 1
      if (id === SKIP) {
        i = end
        continue
      }
      if (cell === undefined) while (end < slab.length && ids[end] === id) end += 1
      else cell[0] = slab.offsets[i]!
      const decoder = jsonDecoder ?? (decoders.get(id) as Decoder)
      rows += decoder.decodeInto(builder, input, i, end, refused, recordOf, rows)
      i = end
    }
    if (cell !== undefined) cell[0] = cellAfterDecode
    for (const why of refused) {
      const id = ids[why.index]!
      pass.rejects.push(rejectOf(slab, why.index, id < 0 ? null : id, { ...why, stage: 'decode' }))
    }
    const decoded = lineage === undefined ? builder.finish() : builder.lend()
    return finish(slab, request, pass, decoded, recordOf.subarray(0, rows), lineage)
  }

  /** Rules, lineage, counts. `recordOf[row]` is the position in the slab that a row stems from. */
  function finish(
    slab: RecordSlab,
    request: DecodeRequest,
    pass: EnvelopePass,
    decoded: ColumnBatch,
    recordOf: Int32Array,
    memory: LineageMemory | undefined,
  ): DecodedBatch {
    const broken = brokenRules(decoded)
    const refuse = (record: number, why: { code: string; path: string; expected: string }): void => {
      const id = pass.ids[record]!
      pass.rejects.push(rejectOf(slab, record, id < 0 ? null : id, { ...why, stage: 'rule' }))
    }
    let kept = recordOf
    let good = decoded
    if (broken.length > 0) {
      const rows = new Int32Array(decoded.length - broken.length)
      let at = 0
      let next = 0
      for (let row = 0; row < decoded.length; row++) {
        const rule = broken[next]
        if (rule === undefined || rule.row !== row) {
          rows[at++] = row
          continue
        }
        next += 1
        const { code, path, expected } = rule
        refuse(recordOf[row]!, { code, path, expected })
      }
      good = takeRows(decoded, rows)
      kept = rows.map((row) => recordOf[row]!)
    }
    const { batch, rows: derivedRows, rejects: underived, filtered } = derive(good)
    for (const { row, code, path, expected } of underived) refuse(kept[row]!, { code, path, expected })
    for (const row of filtered) pass.filteredOffsets.push(slab.offsets[kept[row]!]!)
    if (derivedRows !== undefined) kept = derivedRows.map((row) => kept[row]!)
    const rejects = pass.rejects.sort((a, b) => a.offset - b.offset)
    const lineage = lineageColumns(request.fetched.partition, slab, kept, pass.ids, memory)
    const whole: ColumnBatch = {
      schema: { fields: [...batch.schema.fields, ...lineageFields] },
      length: batch.length,
      columns: [...batch.columns, ...lineage],
    }
    return {
      start: request.from,
      end: request.to,
      batch: whole,
      rejects,
      ...(pass.tombstones.length > 0 && { tombstones: pass.tombstones }),
      consumed: pass.consumed,
      filtered: pass.filteredOffsets.length,
      filteredOffsets: Float64Array.from(pass.filteredOffsets).sort(),
      ...derivation,
      duplicate: pass.duplicate,
      byteLength: batchBytes(whole) + rejects.reduce((sum, reject) => sum + rejectBytes(reject), 0),
      maxEventTime: maxEventTime(batch, contract),
      oldestRecord: oldestRecordTime(slab, kept),
    }
  }

  return { decode, decodeInPlace }
}

type Corrupt = Extract<DecodeReply, { kind: 'corrupt' }>

interface Split {
  readonly slab: RecordSlab
  /** Batches that would inflate beyond the limit: each becomes one dead letter that holds the batch as it is. */
  readonly refused: readonly Reject[]
}

function splitOf(request: DecodeRequest, limits: DecodeLimits, scratch: SlabScratch): Split | Corrupt {
  const { fetched, from, to, countDuplicates } = request
  if (fetched.kind === 'slab') return { slab: fetched.slab, refused: [] }
  const { maxInflatedBytes } = limits
  try {
    const split = splitRecordBatches(fetched.bytes, {
      from: fetched.start,
      to,
      maxInflatedBytes,
      tooLarge: 'refuse',
      scratch,
      ...(fetched.abortedTransactions && { abortedTransactions: fetched.abortedTransactions }),
    })
    if (split.truncatedBytes > 0) {
      return {
        kind: 'corrupt',
        code: 'BATCH_TRUNCATED',
        message: `${split.truncatedBytes} bytes of an unfinished batch`,
      }
    }
    const mine = split.refused.filter(
      (batch) => batch.baseOffset >= from || (countDuplicates && batch.lastOffset >= from),
    )
    return {
      slab: split.slab,
      refused: mine.map((batch) => rejectOfBatch(fetched.bytes, batch, from, maxInflatedBytes)),
    }
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    return { kind: 'corrupt', code: error.code, message: error.message }
  }
}

/** Sum of the sizes of all buffers, bytes. */
function batchBytes(batch: ColumnBatch): number {
  const bytesOf = (column: Column): number =>
    (column.values?.byteLength ?? 0) +
    (column.offsets?.byteLength ?? 0) +
    (column.validity?.byteLength ?? 0) +
    (column.children ?? []).reduce((sum, child) => sum + bytesOf(child), 0)
  return batch.columns.reduce((sum, column) => sum + bytesOf(column), 0)
}
