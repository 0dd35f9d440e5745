import { sinkFolder } from '../sink/chain-keys.ts'
import { parseDone, parsePlan } from '../sink/chain-records.ts'
import type { Done } from '../sink/chain-records.ts'
import { sha256Hex } from '../sink/canonical-json.ts'
import type { FlushSpec } from '../sink/flush-spec.ts'
import type { StoreCalls } from '../sink/store-calls.ts'
import { DeadLetterError } from './errors.ts'
import { parseLetterFile } from './letter-file.ts'
import type { DeadLetter } from './letter.ts'

/** One committed flush, as far as dead letters are concerned. */
export interface CommittedFlush {
  /** Of its `.done`. */
  readonly key: string
  /** How the flush was written; rows that land later are laid out the same way. */
  readonly spec: FlushSpec
  readonly counts: Done['counts']
  readonly letters: readonly DeadLetter[]
}

const doneKey = /\/\d+\/\d{20}\.done$/
const pageSize = 1000

/**
 * Committed flushes of a sink, in the order of their keys. Only what a `.done` names counts: files of an unfinished flush
 * are left alone. Letters are read for flushes that have some; flushes that are not `wanted` are not even looked at.
 * @throws SinkError CHAIN_BROKEN; DeadLetterError LETTER_MALFORMED
 */
export async function* committedFlushes(
  calls: StoreCalls,
  prefix: string,
  sinkId: string,
  signal: AbortSignal,
  wanted: (doneKey: string) => boolean = () => true,
): AsyncGenerator<CommittedFlush> {
  const folder = sinkFolder(prefix, sinkId)
  let after: string | undefined
  for (;;) {
    const keys = await calls.list(folder, pageSize, signal, after)
    for (const key of keys) {
      if (doneKey.test(key) && wanted(key)) yield readFlush(calls, key, signal)
    }
    if (keys.length < pageSize) return
    after = keys.at(-1)
  }
}

/** The flush of one `.done`. @throws SinkError CHAIN_BROKEN; DeadLetterError LETTER_MALFORMED */
export async function readFlush(calls: StoreCalls, key: string, signal: AbortSignal): Promise<CommittedFlush> {
  const done = parseDone(await required(calls, key, signal), key)
  const planKey = key.replace(/done$/, 'plan')
  const { spec } = parsePlan(await required(calls, planKey, signal), planKey)
  const letters: DeadLetter[] = []
  for (const file of done.files) {
    if (file.kind !== 'dead') continue
    const body = await required(calls, file.key, signal)
    if (sha256Hex(body) !== file.sha256) {
      throw new DeadLetterError('LETTER_MALFORMED', `${file.key} is not the file that ${key} names; run verify`)
    }
    letters.push(...parseLetterFile(file.key, body))
  }
  return { key, spec, counts: done.counts, letters }
}

async function required(calls: StoreCalls, key: string, signal: AbortSignal): Promise<Uint8Array> {
  const body = await calls.read(key, signal)
  if (body !== undefined) return body
  throw new DeadLetterError('LETTER_MALFORMED', `${key} is missing although the chain names it; run verify`)
}
