import type { AvroSchema, Contract } from '@sluice/schemas'
import type { RejectStage } from '../contracts/sink.ts'
import { canonicalBytes, sha256Hex } from '../sink/canonical-json.ts'
import type { Json } from '../sink/canonical-json.ts'
import { padded, sinkFolder } from '../sink/chain-keys.ts'
import type { FlushSpec } from '../sink/flush-spec.ts'
import type { StoreCalls } from '../sink/store-calls.ts'
import { DeadLetterError } from './errors.ts'

/** Letters of one partition that become rows, with everything their files are made of. */
export interface Landing {
  readonly spec: FlushSpec
  /** Exclusive; `[spec.start, end)` spans the offsets of the letters. */
  readonly end: number
  readonly contract: Contract
  /** Writer schemas of the values. */
  readonly schemas: readonly { readonly id: number; readonly schema: AvroSchema }[]
  readonly letters: readonly {
    readonly key: string
    readonly offset: number
    readonly timestamp: number
    /** base64, after the fix. */
    readonly value: string
    /** base64 of the header section. */
    readonly headers: string | null
  }[]
}

/** A letter that was tried again and refused again. */
export interface StillBad {
  readonly key: string
  /** From 2. */
  readonly attempt: number
  readonly stage: RejectStage
  readonly code: string
  readonly path: string
  readonly expected: string
}

/**
 * One decision about a set of letters, made once by a create-only write. What it writes is a function of this object alone:
 * values, contracts, schemas and layout are part of it, so any process can finish it at any later time.
 */
export interface ReplayPlan {
  readonly format: 'sluice-replay-1'
  /** Position in the ledger, from 0. */
  readonly seq: number
  /** ms since epoch; `_ingested_at` of the rows. */
  readonly decidedAt: number
  readonly landings: readonly Landing[]
  readonly stillBad: readonly StillBad[]
  readonly discarded: readonly { readonly key: string; readonly reason: string }[]
}

export interface ReplayFile {
  readonly key: string
  readonly topic: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}

export interface ReplayDone {
  readonly format: 'sluice-replay-1'
  readonly seq: number
  /** Digest of the plan that was carried out. */
  readonly plan: string
  readonly files: readonly ReplayFile[]
  readonly counts: { readonly landed: number; readonly stillBad: number; readonly discarded: number }
}

export interface LedgerState {
  readonly plans: readonly ReplayPlan[]
  readonly done: readonly ReplayDone[]
  /** The last plan, when it was not carried out to its end. */
  readonly unfinished: ReplayPlan | undefined
}

/** The chain of replay decisions of a sink: `_ingest/<sink>/replay/<seq>.plan` and `.done`, create-only, without holes. */
export interface ReplayLedger {
  /** @throws DeadLetterError LEDGER_MALFORMED */
  load(signal: AbortSignal): Promise<LedgerState>
  /** @returns false when somebody else made the decision number `plan.seq`: load again */
  decide(plan: ReplayPlan, signal: AbortSignal): Promise<boolean>
  /** @throws DeadLetterError REPLAY_MISMATCH when it was finished with other files */
  finish(done: ReplayDone, signal: AbortSignal): Promise<void>
}

export const ledgerFormat = 'sluice-replay-1'

export function createReplayLedger(calls: StoreCalls, prefix: string, sinkId: string): ReplayLedger {
  const folder = `${sinkFolder(prefix, sinkId)}replay/`
  const planKey = (seq: number): string => `${folder}${padded(seq)}.plan`
  const doneKey = (seq: number): string => `${folder}${padded(seq)}.done`

  async function read<T extends { readonly format: string; readonly seq: number }>(
    key: string,
    seq: number,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const body = await calls.read(key, signal)
    if (body === undefined) return undefined
    let content: T
    try {
      content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as T
    } catch {
      // The cause of a syntax error would quote the text, and values of records are in it.
      throw new DeadLetterError('LEDGER_MALFORMED', `${key} is not JSON; restore it from a backup`)
    }
    if (content.format === ledgerFormat && content.seq === seq) return content
    throw new DeadLetterError('LEDGER_MALFORMED', `${key} is not entry ${seq} of a ledger of format ${ledgerFormat}`)
  }

  return {
    async load(signal) {
      const plans: ReplayPlan[] = []
      const done: ReplayDone[] = []
      for (let seq = 0; ; seq++) {
        const plan = await read<ReplayPlan>(planKey(seq), seq, signal)
        const end = await read<ReplayDone>(doneKey(seq), seq, signal)
        if (plan === undefined) {
          if (end === undefined) return { plans, done, unfinished: undefined }
          throw new DeadLetterError('LEDGER_MALFORMED', `${planKey(seq)} is missing; restore it from a backup`)
        }
        plans.push(plan)
        if (end === undefined) return { plans, done, unfinished: plan }
        if (end.plan !== planDigest(plan)) {
          throw new DeadLetterError('LEDGER_MALFORMED', `${doneKey(seq)} does not belong to its plan`)
        }
        done.push(end)
      }
    },
    async decide(plan, signal) {
      const placed = await calls.place(planKey(plan.seq), encode(plan), {}, signal)
      return placed.outcome !== 'other'
    },
    async finish(done, signal) {
      const placed = await calls.place(doneKey(done.seq), encode(done), {}, signal)
      if (placed.outcome !== 'other') return
      throw new DeadLetterError(
        'REPLAY_MISMATCH',
        `${doneKey(done.seq)} exists and names other files; nothing was overwritten, look at both before going on`,
      )
    },
  }
}

/** Digest of a plan as it is stored. */
export function planDigest(plan: ReplayPlan): string {
  return sha256Hex(encode(plan))
}

function encode(content: ReplayPlan | ReplayDone): Uint8Array {
  return canonicalBytes(content as unknown as Json)
}
