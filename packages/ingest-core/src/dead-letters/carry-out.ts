import { createDecodeStage } from '../decode/decode-stage.ts'
import { decodeLimits } from '../decode/request.ts'
import { deadLetterColumns } from '../sink/dead-letter-columns.ts'
import type { FileEncoders } from '../sink/file-encoders.ts'
import { createFileSet } from '../sink/file-set.ts'
import type { FinishedFile } from '../sink/flush-spec.ts'
import type { StoreCalls } from '../sink/store-calls.ts'
import { DeadLetterError } from './errors.ts'
import { fetchedFromRecords } from './letters-slab.ts'
import { ledgerFormat, planDigest } from './replay-ledger.ts'
import type { Landing, ReplayDone, ReplayFile, ReplayPlan } from './replay-ledger.ts'

/**
 * Writes the files a plan stands for, each create-only, and says what there is now. Depends on nothing but the plan, so it
 * may run again, after a crash or in several processes at once, with the same result.
 * @throws DeadLetterError REPLAY_MISMATCH
 */
export async function carryOut(
  plan: ReplayPlan,
  calls: StoreCalls,
  encoders: FileEncoders,
  signal: AbortSignal,
): Promise<ReplayDone> {
  const files: ReplayFile[] = []
  for (const landing of plan.landings) {
    for (const file of filesOf(landing, encoders)) {
      const { key, rows, bytes, sha256 } = file
      const placed = await calls.place(key, bytes, { replay: String(plan.seq), rows: String(rows) }, signal, sha256)
      if (placed.outcome === 'other') {
        throw mismatch(`${key} exists with other content; nothing was overwritten`)
      }
      files.push({ key, topic: landing.spec.partition.topic, rows, bytes: bytes.length, sha256 })
    }
  }
  const landed = plan.landings.reduce((sum, landing) => sum + landing.letters.length, 0)
  if (files.reduce((sum, file) => sum + file.rows, 0) !== landed) {
    throw mismatch(`replay ${plan.seq}: its files do not have ${landed} rows`)
  }
  return {
    format: ledgerFormat,
    seq: plan.seq,
    plan: planDigest(plan),
    files,
    counts: { landed, stillBad: plan.stillBad.length, discarded: plan.discarded.length },
  }
}

function filesOf(landing: Landing, encoders: FileEncoders): readonly FinishedFile[] {
  const { spec, contract, letters, schemas, end } = landing
  if (encoders.id(spec.file) !== spec.encoderId) {
    throw mismatch(`a plan was made with encoder ${spec.encoderId}; this version has ${encoders.id(spec.file)}`)
  }
  const records = letters.map(({ offset, timestamp, value, headers }) => ({
    offset,
    timestamp,
    value: fromBase64(value),
    headers: headers === null ? null : fromBase64(headers),
  }))
  const stage = createDecodeStage(contract, { ...decodeLimits, maxRecordBytes: Number.MAX_SAFE_INTEGER })
  const fetched = fetchedFromRecords(spec.partition, records)
  const reply = stage.decode({
    fetched,
    from: fetched.start,
    to: fetched.end,
    countDuplicates: false,
    schemas: schemas.map(({ id, schema }) => ({ id, verdict: { kind: 'writer', schema } })),
    crashed: [],
  })
  if (reply.kind !== 'decoded' || reply.decoded.batch.length !== letters.length) {
    throw mismatch(
      `${spec.partition.topic}[${spec.partition.partition}]: a planned letter does not decode in this version`,
    )
  }
  const fileSet = createFileSet({ spec, deadColumns: deadLetterColumns() }, encoders)
  fileSet.append({ ...reply.decoded, partition: spec.partition })
  return fileSet.finish(end).files
}

function mismatch(message: string): DeadLetterError {
  return new DeadLetterError('REPLAY_MISMATCH', message)
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'))
}
