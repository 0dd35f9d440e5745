import type { PartitionId } from '../contracts/records.ts'
import { canonicalBytes, sha256Hex } from './canonical-json.ts'
import type { Json } from './canonical-json.ts'
import { chainKeys, padded } from './chain-keys.ts'
import { parseDeadObject, parseDone, parseGenesis, parsePlan, planVersion } from './chain-records.ts'
import type { Done, Genesis, Plan, PlanCounts } from './chain-records.ts'
import { SinkError } from './errors.ts'
import type { DeadList, FlushSpec } from './flush-spec.ts'
import type { SinkHooks } from './hooks.ts'
import type { StoreCalls } from './store-calls.ts'

/**
 * Where a chain stands. The only moves are: `unopened` to `new` or `ready` or `planned` (resume); `new` to `ready`
 * (begin); `ready` to `planned` (plan); `planned` to `ready` at the plan's end (finish).
 */
export type ChainState =
  | { readonly kind: 'unopened' }
  | { readonly kind: 'new' }
  | ReadyState
  | { readonly kind: 'planned'; readonly next: number; readonly plan: OpenPlan }

export interface ReadyState {
  readonly kind: 'ready'
  /** Start of the next plan. */
  readonly next: number
  /** Greatest event time before `next`. */
  readonly watermark: number | null
  readonly previous: Plan['previous']
}

export interface OpenPlan {
  readonly plan: Plan
  /** Digest of the plan object. */
  readonly sha256: string
  readonly dead: DeadList
}

/** The plan-first commit protocol of one partition over an object store (RELIABILITY 4a). */
export interface Chain {
  readonly state: ChainState
  /** Reads where the chain stands. @throws SinkError OWNER_MISMATCH, CLUSTER_CHANGED, CHAIN_BROKEN, PLAN_UNSUPPORTED */
  resume(signal: AbortSignal): Promise<ChainState>
  /** Genesis: fixes where the chain begins, or adopts what another writer fixed. */
  begin(first: number, signal: AbortSignal): Promise<ChainState>
  /**
   * Decides the cut `[next, end)`. From here on the content of the flush is fixed.
   * @throws SinkError FENCED when another writer has decided otherwise; its plan holds
   */
  plan(spec: FlushSpec, end: number, counts: PlanCounts, dead: DeadList, signal: AbortSignal): Promise<OpenPlan>
  /** Records that everything planned is there. @throws SinkError CHAIN_DIVERGED */
  finish(done: Done, signal: AbortSignal): Promise<ReadyState>
}

export interface ChainOptions {
  readonly calls: StoreCalls
  readonly prefix: string
  readonly sinkId: string
  readonly owner: string
  readonly partition: PartitionId
  /** Dead lists longer than this lie beside the plan. */
  readonly maxInlineDead: number
  readonly hooks: SinkHooks
}

/** Keys listed in one go before the newest is looked for by halving. */
const listed = 1000

export function createChain(options: ChainOptions): Chain {
  const { calls, partition, hooks } = options
  const keys = chainKeys(options.prefix, options.sinkId, partition)
  const where = `${partition.topic}[${partition.partition}]`
  let state: ChainState = { kind: 'unopened' }

  function requireState<K extends ChainState['kind']>(kind: K): Extract<ChainState, { kind: K }> {
    if (state.kind !== kind) throw new TypeError(`chain of ${where}: ${state.kind}, but this step needs ${kind}`)
    return state as Extract<ChainState, { kind: K }>
  }

  function at(point: Parameters<SinkHooks['at']>[0], start: number, key: string): Promise<void> | void {
    return hooks.at(point, { partition: where, start, key })
  }

  function broken(key: string, why: string): SinkError {
    return new SinkError('CHAIN_BROKEN', `${where}: ${key} ${why}; run verify before going on`, { evidence: { key } })
  }

  async function required(key: string, signal: AbortSignal): Promise<Uint8Array> {
    const body = await calls.read(key, signal)
    if (body === undefined) throw broken(key, 'is missing')
    return body
  }

  function checkGenesis(genesis: Genesis): void {
    const { sinkId, owner, clusterId, topicId } = genesis
    if (sinkId !== options.sinkId || owner !== options.owner) {
      throw new SinkError(
        'OWNER_MISMATCH',
        `${where} is written by sink ${sinkId} of ${owner}; this is sink ${options.sinkId} of ${options.owner}`,
        { evidence: { found: { sinkId, owner }, expected: { sinkId: options.sinkId, owner: options.owner } } },
      )
    }
    if (
      clusterId !== partition.clusterId ||
      topicId !== partition.topicId ||
      genesis.partition !== partition.partition
    ) {
      throw new SinkError(
        'CLUSTER_CHANGED',
        `${where}: the chain belongs to cluster ${clusterId}, topic id ${topicId}`,
        {
          evidence: { found: { clusterId, topicId }, expected: partition },
        },
      )
    }
  }

  /** Key of the newest plan or done; offsets come before `genesis` in byte order. */
  async function newest(signal: AbortSignal): Promise<string | undefined> {
    const isStep = (key: string | undefined): key is string => key !== undefined && /\/\d{20}\.(plan|done)$/.test(key)
    const first = await calls.list(keys.folder, listed, signal)
    if (first.length < listed) return first.filter(isStep).at(-1)
    // Many flushes: halve the range of offsets instead of reading all of history.
    let last = first.filter(isStep).at(-1)
    let low = last === undefined ? 0 : startOf(last)
    let high = Number.MAX_SAFE_INTEGER
    while (low < high) {
      const middle = low + Math.ceil((high - low) / 2)
      const page = await calls.list(keys.folder, listed, signal, `${keys.folder}${padded(middle)}`)
      const found = page.filter(isStep)
      if (found.length === 0) high = middle - 1
      else {
        last = found.at(-1)!
        low = Math.max(middle, startOf(last))
        if (page.length < listed) break
      }
    }
    return last
  }

  function startOf(key: string): number {
    return Number(key.slice(keys.folder.length, keys.folder.length + 20))
  }

  /** State by the newest plan, whether it was carried out or not. */
  async function locate(signal: AbortSignal): Promise<Extract<ChainState, { kind: 'new' | 'ready' | 'planned' }>> {
    // In this order: whoever put a plan had put genesis before, so a plan that shows without it is a broken chain.
    const last = await newest(signal)
    const genesisBody = await calls.read(keys.genesis, signal)
    if (genesisBody === undefined) {
      if (last !== undefined) throw broken(keys.genesis, `is missing although ${last} exists`)
      return { kind: 'new' }
    }
    const genesis = parseGenesis(genesisBody, keys.genesis)
    checkGenesis(genesis)
    if (last === undefined) return { kind: 'ready', next: genesis.first, watermark: null, previous: null }
    const start = startOf(last)
    if (last.endsWith('.plan')) {
      const open = await openPlan(start, signal)
      await checkFollows(open.plan, genesis, signal)
      return { kind: 'planned', next: start, plan: open }
    }
    // `.done` sorts before `.plan`: the newest key is a plan, finished or not, unless somebody removed it.
    throw broken(keys.plan(start), `is missing although ${last} exists`)
  }

  async function openPlan(start: number, signal: AbortSignal): Promise<OpenPlan> {
    const key = keys.plan(start)
    const body = await required(key, signal)
    const plan = parsePlan(body, key)
    if (plan.start !== start) throw broken(key, `says it starts at ${plan.start}`)
    return { plan, sha256: sha256Hex(body), dead: await deadOf(plan, signal) }
  }

  async function deadOf({ dead, counts }: Plan, signal: AbortSignal): Promise<DeadList> {
    if ('offsets' in dead) return dead
    const body = await required(dead.object, signal)
    if (sha256Hex(body) !== dead.sha256) throw broken(dead.object, 'is not the list its plan names')
    const list = parseDeadObject(body, dead.object)
    if (list.offsets.length !== counts.dead)
      throw broken(dead.object, `has ${list.offsets.length} offsets, the plan counts ${counts.dead}`)
    return list
  }

  /** A plan starts at the first offset or where the flush before it ended: nothing else keeps the chain whole. */
  async function checkFollows(plan: Plan, genesis: Genesis, signal: AbortSignal): Promise<void> {
    const key = keys.plan(plan.start)
    if (plan.previous === null) {
      if (plan.start !== genesis.first) throw broken(key, `starts at ${plan.start}, the chain at ${genesis.first}`)
      return
    }
    const doneKey = keys.done(plan.previous.start)
    const body = await required(doneKey, signal)
    if (sha256Hex(body) !== plan.previous.sha256) throw broken(doneKey, 'is not the one that the next plan follows')
    const done = parseDone(body, doneKey)
    if (done.end !== plan.start) throw broken(key, `starts at ${plan.start}, the flush before it ended at ${done.end}`)
  }

  async function resume(signal: AbortSignal): Promise<ChainState> {
    requireState('unopened')
    const found = await locate(signal)
    if (found.kind !== 'planned') return (state = found)
    const doneKey = keys.done(found.next)
    const body = await calls.read(doneKey, signal)
    if (body === undefined) return (state = found)
    const done = parseDone(body, doneKey)
    if (done.start !== found.next || done.plan !== found.plan.sha256 || done.end !== found.plan.plan.end) {
      throw broken(doneKey, 'does not belong to its plan')
    }
    return (state = readyAfter(done, body))
  }

  return {
    get state() {
      return state
    },
    resume,
    async begin(first, signal) {
      requireState('new')
      const { clusterId, topicId, topic } = partition
      const genesis: Genesis = {
        version: 1,
        sinkId: options.sinkId,
        owner: options.owner,
        clusterId,
        topicId,
        topic,
        partition: partition.partition,
        first,
      }
      await at('before_genesis', first, keys.genesis)
      const placed = await calls.place(keys.genesis, canonicalBytes({ ...genesis }), {}, signal)
      await at('after_genesis', first, keys.genesis)
      if (placed.outcome === 'other') {
        // Somebody began in the meantime, and may have gone on.
        state = { kind: 'unopened' }
        return resume(signal)
      }
      return (state = { kind: 'ready', next: first, watermark: null, previous: null })
    },
    async plan(spec, end, counts, dead, signal) {
      const ready = requireState('ready')
      if (spec.start !== ready.next)
        throw new TypeError(`chain of ${where}: a plan from ${spec.start}, not ${ready.next}`)
      const key = keys.plan(ready.next)
      const plan: Plan = {
        version: planVersion,
        start: ready.next,
        end,
        previous: ready.previous,
        spec,
        counts,
        dead: await placeDead(spec.start, dead, signal),
      }
      const body = canonicalBytes(plan as unknown as Json)
      await at('before_plan', plan.start, key)
      const placed = await calls.place(key, body, { start: String(plan.start), end: String(end) }, signal)
      if (placed.outcome === 'other') {
        state = { kind: 'unopened' }
        throw new SinkError(
          'FENCED',
          `${where}: another writer has planned the flush at ${plan.start}; open the partition again to go on with its plan`,
          { evidence: { key, ours: sha256Hex(body), theirs: placed.head.sha256 } },
        )
      }
      await at('after_plan', plan.start, key)
      const open: OpenPlan = { plan, sha256: sha256Hex(body), dead }
      state = { kind: 'planned', next: plan.start, plan: open }
      return open
    },
    async finish(done, signal) {
      const { next, plan } = requireState('planned')
      if (done.start !== next || done.end !== plan.plan.end || done.plan !== plan.sha256) {
        throw new TypeError(`chain of ${where}: done [${done.start}, ${done.end}) is not the plan at ${next}`)
      }
      const key = keys.done(next)
      const body = canonicalBytes(done as unknown as Json)
      await at('before_done', next, key)
      const placed = await calls.place(key, body, { start: String(done.start), end: String(done.end) }, signal)
      if (placed.outcome === 'other') {
        throw new SinkError(
          'CHAIN_DIVERGED',
          `${where}: ${key} exists and lists other files; nothing was overwritten`,
          {
            evidence: { key, ours: sha256Hex(body), theirs: placed.head.sha256 },
          },
        )
      }
      await at('after_done', next, key)
      const ready = readyAfter(done, body)
      state = ready
      return ready
    },
  }

  async function placeDead(start: number, dead: DeadList, signal: AbortSignal): Promise<Plan['dead']> {
    if (dead.offsets.length <= options.maxInlineDead) return dead
    const body = canonicalBytes(dead as unknown as Json)
    const sha256 = sha256Hex(body)
    const object = keys.dead(start, sha256)
    // Named by content: whoever else puts it puts the same.
    const placed = await calls.place(object, body, {}, signal)
    if (placed.outcome === 'other') throw broken(object, 'does not have the digest in its name')
    return { object, sha256 }
  }
}

function readyAfter(done: Done, body: Uint8Array): ReadyState {
  return {
    kind: 'ready',
    next: done.end,
    watermark: done.watermark,
    previous: { start: done.start, sha256: sha256Hex(body) },
  }
}
