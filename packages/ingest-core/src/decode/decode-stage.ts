import { avroDefaults, compileAvroDecoder, compileJsonDecoder, createBatchBuilder, takeRows } from '@sluice/columnar'
import type { Column, ColumnBatch, DecodeReject, Decoder } from '@sluice/columnar'
import { arrowSchemaOf, compileDerivation, compileRules, wireContract } from '@sluice/schemas'
import type { Contract } from '@sluice/schemas'
import type { RecordSlab } from '../contracts/records.ts'
import type { Reject } from '../contracts/sink.ts'
import { LogError } from '../errors/log-error.ts'
import { splitRecordBatches } from '../log/record-batch.ts'
import type { DecodedBatch } from './decoded.ts'
import { lookAtEnvelopes, SKIP } from './envelope-pass.ts'
import type { EnvelopePass } from './envelope-pass.ts'
import { maxEventTime } from './event-time.ts'
import { lineageColumns, lineageFields } from './lineage.ts'
import { rejectBytes, rejectOf, rejectOfBatch } from './reject.ts'
import type { RecordCode } from './reject.ts'
import { cellAfterDecode } from './request.ts'
import type { DecodeLimits, DecodeReply, DecodeRequest } from './request.ts'

/** Bytes in, columns and rejects out. Runs inside a worker; keeps compiled decoders between calls. */
export interface DecodeStage {
  decode(request: DecodeRequest): DecodeReply
}

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
  let builder = createBatchBuilder(columns)

  function decoderFor(writer: Contract['schema']): Decoder | RecordCode {
    try {
      return compileAvroDecoder(writer, contract.schema)
    } catch (error) {
      if (error instanceof Error && 'code' in error) return 'schema_incompatible'
      throw error
    }
  }

  function decode(request: DecodeRequest): DecodeReply {
    const split = splitOf(request, limits)
    if ('kind' in split) return split
    const { slab, refused } = split
    // A refusal holds for this request only: the main thread decides when to ask the registry again.
    const refusals = new Map<number, RecordCode>()
    for (const { id, verdict } of request.schemas) {
      if (verdict.kind === 'writer') decoders.set(id, decoderFor(verdict.schema))
      else refusals.set(id, verdict.kind === 'unknown' ? 'schema_unknown' : 'schema_not_allowed')
    }
    const pass = lookAtEnvelopes(slab, request, contract, limits, (id) => {
      const decoder = decoders.get(id) ?? refusals.get(id)
      return decoder === undefined || typeof decoder === 'string' ? decoder : 'known'
    })
    if (pass.missing.size > 0) return { kind: 'schemas-needed', ids: [...pass.missing] }
    pass.rejects.push(...refused)
    pass.consumed += refused.length
    try {
      return { kind: 'decoded', decoded: decodeRows(slab, request, pass) }
    } catch (error) {
      // Half-filled columns must not reach the next chunk.
      builder = createBatchBuilder(columns)
      throw error
    }
  }

  function decodeRows(slab: RecordSlab, request: DecodeRequest, pass: EnvelopePass): DecodedBatch {
    const { ids } = pass
    const refused: DecodeReject[] = []
    const input = { bytes: slab.bytes, starts: pass.bodyStarts, ends: slab.valueEnd }
    const records = new Int32Array(slab.length)
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
      rows += decoder.decodeInto(builder, input, i, end, refused, records, rows)
      i = end
    }
    if (cell !== undefined) cell[0] = cellAfterDecode
    for (const why of refused) {
      const id = ids[why.index]!
      pass.rejects.push(rejectOf(slab, why.index, id < 0 ? null : id, { ...why, stage: 'decode' }))
    }
    return finish(slab, request, pass, builder.finish(), records.subarray(0, rows))
  }

  /** Rules, lineage, counts. `records[row]` is the position in the slab that a row stems from. */
  function finish(
    slab: RecordSlab,
    request: DecodeRequest,
    pass: EnvelopePass,
    decoded: ColumnBatch,
    records: Int32Array,
  ): DecodedBatch {
    const broken = brokenRules(decoded)
    const refuse = (record: number, why: { code: string; path: string; expected: string }): void => {
      const id = pass.ids[record]!
      pass.rejects.push(rejectOf(slab, record, id < 0 ? null : id, { ...why, stage: 'rule' }))
    }
    let kept = records
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
        refuse(records[row]!, { code, path, expected })
      }
      good = takeRows(decoded, rows)
      kept = rows.map((row) => records[row]!)
    }
    const { batch, rows: derivedRows, rejects: underived, filtered } = derive(good)
    for (const { row, code, path, expected } of underived) refuse(kept[row]!, { code, path, expected })
    for (const row of filtered) pass.filteredOffsets.push(slab.offsets[kept[row]!]!)
    if (derivedRows !== undefined) kept = derivedRows.map((row) => kept[row]!)
    const rejects = pass.rejects.sort((a, b) => a.offset - b.offset)
    const lineage = lineageColumns(request.fetched.partition, slab, kept, pass.ids)
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
    }
  }

  return { decode }
}

type Corrupt = Extract<DecodeReply, { kind: 'corrupt' }>

interface Split {
  readonly slab: RecordSlab
  /** Batches that would inflate beyond the limit: each becomes one dead letter that holds the batch as it is. */
  readonly refused: readonly Reject[]
}

function splitOf(request: DecodeRequest, limits: DecodeLimits): Split | Corrupt {
  const { fetched, from, to, countDuplicates } = request
  if (fetched.kind === 'slab') return { slab: fetched.slab, refused: [] }
  const { maxInflatedBytes } = limits
  try {
    const split = splitRecordBatches(fetched.bytes, {
      from: fetched.start,
      to,
      maxInflatedBytes,
      tooLarge: 'refuse',
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
