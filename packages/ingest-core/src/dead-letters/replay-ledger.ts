import { createHash } from 'node:crypto'
import type { AvroSchema, Contract } from '@sluice/schemas'
import type { ObjectStore } from '../contracts/object-store.ts'
import type { RejectStage } from '../contracts/sink.ts'
import { DeadLetterError } from './errors.ts'

/** What was decided about one letter. `land` carries everything its row is made of. */
export type Decision =
  | {
      readonly outcome: 'land'
      readonly key: string
      readonly clusterId: string
      readonly topicId: string
      readonly topic: string
      readonly partition: number
      readonly offset: number
      readonly timestamp: number
      /** base64; the value after the fix. */
      readonly value: string
      /** base64 of the header section, or null. */
      readonly headers: string | null
    }
  | {
      readonly outcome: 'still-bad'
      readonly key: string
      readonly attempt: number
      readonly stage: RejectStage
      readonly code: string
      readonly path: string
      readonly expected: string
    }
  | { readonly outcome: 'discard'; readonly key: string; readonly reason: string }

/**
 * One decision about a set of letters, made once by a create-only write. Its files are a function of this object alone:
 * contracts and writer schemas are part of it, so any process can finish it at any later time.
 */
export interface ReplayPlan {
  readonly format: 'sluice-replay-1'
  /** Position in the ledger, from 0. */
  readonly seq: number
  /** ms since epoch; `_ingested_at` of the rows. */
  readonly decidedAt: number
  readonly contracts: readonly Contract[]
  readonly schemas: readonly { readonly topic: string; readonly id: number; readonly schema: AvroSchema }[]
  readonly decisions: readonly Decision[]
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
  readonly planSha256: string
  readonly files: readonly ReplayFile[]
  readonly counts: { readonly landed: number; readonly stillBad: number; readonly discarded: number }
}

export interface LedgerState {
  readonly plans: readonly ReplayPlan[]
  readonly done: readonly ReplayDone[]
  /** The last plan, when it was not carried out to its end. */
  readonly unfinished: ReplayPlan | undefined
}

/** The chain of replay decisions of a sink: `_ingest/<sink>/replay/<seq>.plan` and `.done`, without holes, create-only. */
export interface ReplayLedger {
  /** @throws DeadLetterError LEDGER_MALFORMED */
  load(signal: AbortSignal): Promise<LedgerState>
  /** @returns false when somebody else made the decision number `plan.seq`; load again */
  decide(plan: ReplayPlan, signal: AbortSignal): Promise<boolean>
  /** @throws DeadLetterError REPLAY_MISMATCH when it was finished with other files */
  finish(done: ReplayDone, signal: AbortSignal): Promise<void>
}

const format = 'sluice-replay-1'

export function createReplayLedger(store: ObjectStore, sink: string): ReplayLedger {
  const prefix = `_ingest/${sink}/replay/`
  const keyOf = (seq: number, kind: 'plan' | 'done'): string => `${prefix}${String(seq).padStart(20, '0')}.${kind}`

  async function put(key: string, content: object, signal: AbortSignal): Promise<boolean> {
    const body = encodeJson(content)
    const digest = sha256(body)
    const outcome = await store.putIfAbsent(key, body, digest, {}, signal)
    return outcome.outcome === 'created' || outcome.head.sha256 === digest
  }

  async function read<T extends { readonly format: string; readonly seq: number }>(
    key: string,
    signal: AbortSignal,
  ): Promise<T> {
    const body = await store.get(key, signal)
    try {
      const content = JSON.parse(new TextDecoder().decode(body)) as T
      if (content.format === format && keyOf(content.seq, key.endsWith('.plan') ? 'plan' : 'done') === key)
        return content
    } catch (cause) {
      throw new DeadLetterError('LEDGER_MALFORMED', `${key} is not JSON`, { cause })
    }
    throw new DeadLetterError('LEDGER_MALFORMED', `${key} is not a file of a replay ledger of format ${format}`)
  }

  return {
    async load(signal) {
      const plans: ReplayPlan[] = []
      const done: ReplayDone[] = []
      for await (const { key } of store.list(prefix, signal)) {
        if (key.endsWith('.plan')) plans.push(await read<ReplayPlan>(key, signal))
        else if (key.endsWith('.done')) done.push(await read<ReplayDone>(key, signal))
      }
      plans.forEach((plan, i) => {
        if (plan.seq !== i) throw new DeadLetterError('LEDGER_MALFORMED', `${keyOf(i, 'plan')} is missing`)
      })
      done.forEach((each, i) => {
        const plan = plans[i]
        if (plan === undefined || each.seq !== i || each.planSha256 !== planDigest(plan)) {
          throw new DeadLetterError('LEDGER_MALFORMED', `${keyOf(each.seq, 'done')} does not belong to its plan`)
        }
      })
      if (plans.length - done.length > 1) {
        throw new DeadLetterError('LEDGER_MALFORMED', `${keyOf(done.length, 'done')} is missing`)
      }
      return { plans, done, unfinished: plans[done.length] }
    },
    decide: (plan, signal) => put(keyOf(plan.seq, 'plan'), plan, signal),
    async finish(done, signal) {
      const key = keyOf(done.seq, 'done')
      if (await put(key, done, signal)) return
      throw new DeadLetterError('REPLAY_MISMATCH', `${key} exists and names other files; look at both before going on`)
    },
  }
}

/** Digest of a plan as it is stored. */
export function planDigest(plan: ReplayPlan): string {
  return sha256(encodeJson(plan))
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function encodeJson(content: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(content)}\n`)
}
