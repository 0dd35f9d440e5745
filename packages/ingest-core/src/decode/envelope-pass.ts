import { ENVELOPE_MAGIC, ENVELOPE_SHORT, envelopeBytes, readSchemaId } from '@sluice/schemas/columns'
import type { Contract } from '@sluice/schemas'
import type { RecordSlab } from '../contracts/records.ts'
import type { Reject, Tombstone } from '../contracts/sink.ts'
import type { RecordScratch } from './record-scratch.ts'
import { rejectWithCode, tombstoneAt } from './reject.ts'
import type { RecordCode } from './reject.ts'
import type { DecodeLimits, DecodeRequest } from './request.ts'
import { HEADER_GUID, HEADER_NONE, readHeaderSchemaId } from './schema-header.ts'

/** In `ids`: the record is not to be decoded. */
export const SKIP = -2
/** In `ids`: the record is decoded, but its format has no schema ids. */
export const NO_ID = -1

/** What the look at the envelopes found; every consumed record is in exactly one of its outcomes. */
export interface EnvelopePass {
  /** Per record of the slab: schema id, `NO_ID` or `SKIP`. */
  readonly ids: Float64Array
  /** Per record to decode: where its body starts. */
  readonly bodyStarts: Int32Array
  readonly rejects: Reject[]
  readonly tombstones: Tombstone[]
  /** Schema ids nothing is known about yet. */
  readonly missing: Set<number>
  /** Offsets of records left out. */
  readonly filteredOffsets: number[]
  consumed: number
  duplicate: number
}

/** `known`: a decoder can be had for this id. A code: records with this id are refused with it. */
export type IdVerdict = (id: number) => 'known' | RecordCode | undefined

export function lookAtEnvelopes(
  slab: RecordSlab,
  request: DecodeRequest,
  contract: Contract,
  limits: DecodeLimits,
  scratch: Pick<RecordScratch, 'ids' | 'bodies'>,
  verdict: IdVerdict,
): EnvelopePass {
  const { fetched, from, to, countDuplicates } = request
  const crashed = new Set(request.crashed)
  const pass: EnvelopePass = {
    ids: scratch.ids(slab.length).fill(SKIP),
    bodyStarts: scratch.bodies(slab.length),
    rejects: [],
    tombstones: [],
    missing: new Set(),
    filteredOffsets: [],
    consumed: 0,
    duplicate: 0,
  }
  const { bytes, offsets, valueStart: starts, valueEnd: ends, headersStart } = slab
  const { ids, bodyStarts } = pass
  const isAvro = contract.format !== 'json'
  /** No record of a slab is larger than all of it. */
  const mayBeTooLarge = bytes.length > limits.maxRecordBytes
  /** Schema id of the record before, when it is known: nearly all records have the id of their neighbour. */
  let trusted = NO_ID
  for (let i = 0; i < slab.length; i++) {
    const offset = offsets[i]!
    // A broker sends whole batches: what lies before the position asked for was never part of this read.
    if (offset < fetched.start || offset >= to) continue
    if (offset < from) {
      if (!countDuplicates) continue
      pass.consumed += 1
      pass.duplicate += 1
      continue
    }
    pass.consumed += 1
    const valueStart = starts[i]!
    if (crashed.size > 0 && crashed.has(offset)) refuse(pass, slab, i, contract, 'decode_crash')
    else if (mayBeTooLarge && recordBytes(slab, i) > limits.maxRecordBytes)
      refuse(pass, slab, i, contract, 'record_too_large')
    else if (valueStart < 0) {
      if (contract.tombstones === 'skip') pass.filteredOffsets.push(offset)
      else if (contract.tombstones === 'delete') pass.tombstones.push(tombstoneAt(slab, i))
      else pass.rejects.push(rejectWithCode(slab, i, null, 'null_value'))
    } else if (!isAvro) {
      ids[i] = NO_ID
      bodyStarts[i] = valueStart
    } else if (headersStart[i]! < 0 && readSchemaId(bytes, valueStart, ends[i]) === trusted && trusted >= 0) {
      ids[i] = trusted
      bodyStarts[i] = valueStart + envelopeBytes
    } else {
      avroEnvelope(slab, i, pass, verdict)
      if (ids[i]! >= 0) trusted = ids[i]!
    }
  }
  return pass
}

function avroEnvelope(slab: RecordSlab, i: number, pass: EnvelopePass, verdict: IdVerdict): void {
  const start = slab.valueStart[i]!
  const headers = slab.headersStart[i]!
  let id = headers < 0 ? HEADER_NONE : readHeaderSchemaId(slab.bytes, headers, slab.headersEnd[i]!)
  let body = start
  if (id === HEADER_NONE) {
    id = readSchemaId(slab.bytes, start, slab.valueEnd[i])
    body = start + envelopeBytes
  } else if (id < 0) {
    const code = id === HEADER_GUID ? 'schema_header_guid' : 'schema_header_invalid'
    pass.rejects.push(rejectWithCode(slab, i, null, code))
    return
  }
  if (id === ENVELOPE_SHORT || id === ENVELOPE_MAGIC) {
    pass.rejects.push(rejectWithCode(slab, i, null, id === ENVELOPE_SHORT ? 'envelope_short' : 'envelope_magic'))
    return
  }
  const known = verdict(id)
  if (known === undefined) pass.missing.add(id)
  else if (known !== 'known') pass.rejects.push(rejectWithCode(slab, i, id, known))
  else {
    pass.ids[i] = id
    pass.bodyStarts[i] = body
  }
}

/** Refuses a record before its envelope was read; the id is kept when there is one. */
function refuse(pass: EnvelopePass, slab: RecordSlab, i: number, contract: Contract, code: RecordCode): void {
  const start = slab.valueStart[i]!
  const id = contract.format === 'json' || start < 0 ? NO_ID : readSchemaId(slab.bytes, start, slab.valueEnd[i])
  pass.rejects.push(rejectWithCode(slab, i, id < 0 ? null : id, code))
}

function recordBytes(slab: RecordSlab, i: number): number {
  return (
    lengthOf(slab.keyStart[i]!, slab.keyEnd[i]!) +
    lengthOf(slab.valueStart[i]!, slab.valueEnd[i]!) +
    lengthOf(slab.headersStart[i]!, slab.headersEnd[i]!)
  )
}

function lengthOf(start: number, end: number): number {
  return start < 0 ? 0 : end - start
}
