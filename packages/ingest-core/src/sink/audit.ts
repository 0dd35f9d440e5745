import type { ObjectStore } from '../contracts/object-store.ts'
import type { Counts } from '../contracts/sink.ts'
import { systemClock } from '../pipeline/clock.ts'
import { sha256Hex } from './canonical-json.ts'
import { padded, sinkFolder } from './chain-keys.ts'
import { parseDeadObject, parseDone, parseGenesis, parsePlan } from './chain-records.ts'
import type { Done, Genesis, Plan } from './chain-records.ts'
import { isOfPlans, looksOurs } from './file-names.ts'
import { SinkError } from './errors.ts'
import { fileSinkDefaults } from './file-sink-options.ts'
import { createStoreCalls } from './store-calls.ts'
import type { StoreCalls } from './store-calls.ts'

export interface AuditOptions {
  readonly sinkId: string
  /** As given to the sink. */
  readonly prefix?: string
  /** Read every object and compare digests, not only sizes and what the store says. Default false. */
  readonly deep?: boolean
  readonly signal?: AbortSignal
}

/**
 * What can be wrong. `error`: a promise of RELIABILITY 4a does not hold. `info`: worth knowing, nothing is wrong; an
 * unfinished plan and its files are finished by the next run.
 */
export const auditCodes = {
  CHAIN_UNREADABLE: 'error',
  CHAIN_HOLE: 'error',
  CHAIN_FORK: 'error',
  CHAIN_LINK: 'error',
  COUNTS_WRONG: 'error',
  OBJECT_MISSING: 'error',
  OBJECT_CHANGED: 'error',
  OBJECT_OUTSIDE: 'error',
  OBJECT_TWICE: 'error',
  EVIDENCE: 'error',
  PLAN_UNFINISHED: 'info',
  OBJECT_UNFINISHED: 'info',
  DEAD_LIST_UNUSED: 'info',
} as const

export type AuditCode = keyof typeof auditCodes

export interface AuditFinding {
  readonly code: AuditCode
  readonly severity: 'error' | 'info'
  readonly key: string
  readonly message: string
}

export interface AuditedPartition {
  readonly clusterId: string
  readonly topicId: string
  readonly topic: string
  readonly partition: number
  readonly first: number
  /** Progress: end of the last flush that is done. */
  readonly next: number
  readonly flushes: number
  readonly counts: Omit<Counts, 'duplicate'>
  readonly dead: readonly { readonly offset: number; readonly code: string }[]
}

export interface AuditReport {
  /** True when no finding is an error. */
  readonly ok: boolean
  readonly partitions: readonly AuditedPartition[]
  /** Data, late and dead-letter files that are part of the chain. */
  readonly objects: number
  readonly bytes: number
  readonly findings: readonly AuditFinding[]
}

/** What one chain folder holds, by start. */
interface ChainFolder {
  readonly folder: string
  genesis: boolean
  readonly plans: Set<number>
  readonly dones: Set<number>
  readonly deadLists: Set<string>
  readonly evidence: string[]
}

/**
 * Checks the commit chain of a sink and every object it names (RELIABILITY 4a, invariants 1 to 3). Reads only. Run it while
 * nothing writes, or take findings about objects of unfinished plans for what they are.
 *
 * @throws StoreError, SinkError SINK_UNAVAILABLE when the store cannot be read
 */
export async function auditChain(store: ObjectStore, options: AuditOptions): Promise<AuditReport> {
  const { prefix: given = '', sinkId, deep = false, signal = new AbortController().signal } = options
  const prefix = given === '' ? '' : `${given}/`
  const calls = createStoreCalls(store, systemClock, { random: Math.random, ...fileSinkDefaults.retry })
  const findings: AuditFinding[] = []
  const report = (code: AuditCode, key: string, message: string): void => {
    findings.push({ code, severity: auditCodes[code], key, message })
  }

  const partitions: AuditedPartition[] = []
  const named = new Map<string, Done['files'][number]>()
  const unfinished: Plan[] = []
  for (const chain of await chainFolders(store, sinkFolder(prefix, sinkId), signal)) {
    const walked = await walkChain(chain, calls, report, signal)
    if (walked === undefined) continue
    partitions.push(walked.partition)
    if (walked.unfinished !== undefined) unfinished.push(walked.unfinished)
    for (const file of walked.files) {
      if (named.has(file.key)) report('OBJECT_TWICE', file.key, 'two flushes name this object')
      named.set(file.key, file)
    }
  }

  const topics = new Set(partitions.map(({ topic }) => topic))
  const found = new Set<string>()
  for await (const { key, bytes } of store.list(prefix, signal)) {
    if (key.startsWith(`${prefix}_ingest/`)) continue
    const file = named.get(key)
    if (file === undefined) {
      if (isOfPlans(key, unfinished)) report('OBJECT_UNFINISHED', key, 'written for a plan that is not done yet')
      else if (looksOurs(key, topics)) report('OBJECT_OUTSIDE', key, 'no flush names this object')
      continue
    }
    found.add(key)
    if (bytes !== file.bytes) report('OBJECT_CHANGED', key, `has ${bytes} bytes, was written with ${file.bytes}`)
    else await checkDigest(file, deep, store, calls, report, signal)
  }
  for (const key of named.keys()) if (!found.has(key)) report('OBJECT_MISSING', key, 'a done flush names it')

  findings.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return {
    ok: findings.every(({ severity }) => severity !== 'error'),
    partitions,
    objects: found.size,
    bytes: [...named.values()].reduce((sum, file) => sum + file.bytes, 0),
    findings,
  }
}

type Report = (code: AuditCode, key: string, message: string) => void

async function chainFolders(store: ObjectStore, folder: string, signal: AbortSignal): Promise<ChainFolder[]> {
  const folders = new Map<string, ChainFolder>()
  for await (const { key } of store.list(folder, signal)) {
    const match = /^(.*\/\d+\/)(?:genesis|(\d{20})\.(plan|done|(?:dead|diverged)-[0-9a-f]+))$/.exec(key)
    if (match === null) continue
    const [, path, start, kind] = match
    let chain = folders.get(path!)
    if (chain === undefined) {
      chain = { folder: path!, genesis: false, plans: new Set(), dones: new Set(), deadLists: new Set(), evidence: [] }
      folders.set(path!, chain)
    }
    if (start === undefined) chain.genesis = true
    else if (kind === 'plan') chain.plans.add(Number(start))
    else if (kind === 'done') chain.dones.add(Number(start))
    else if (kind!.startsWith('dead')) chain.deadLists.add(key)
    else chain.evidence.push(key)
  }
  return [...folders.values()]
}

interface WalkedChain {
  readonly partition: AuditedPartition
  readonly files: readonly Done['files'][number][]
  readonly unfinished: Plan | undefined
}

/** From genesis along the ends of done flushes; whatever is left over is a fork or lies behind a hole. */
async function walkChain(
  chain: ChainFolder,
  calls: StoreCalls,
  report: Report,
  signal: AbortSignal,
): Promise<WalkedChain | undefined> {
  const { folder, plans, dones } = chain
  const planKey = (start: number): string => `${folder}${padded(start)}.plan`
  const doneKey = (start: number): string => `${folder}${padded(start)}.done`
  const read = async <T>(key: string, parse: (body: Uint8Array, key: string) => T) => {
    try {
      const body = await calls.read(key, signal)
      if (body !== undefined) return { value: parse(body, key), sha256: sha256Hex(body) }
      report('CHAIN_HOLE', key, 'is missing')
    } catch (error) {
      if (!(error instanceof SinkError) || error.code === 'SINK_UNAVAILABLE') throw error
      report('CHAIN_UNREADABLE', key, error.message)
    }
    return undefined
  }

  for (const key of chain.evidence) report('EVIDENCE', key, 'a writer found other content under a planned name')
  const genesis = await read<Genesis>(`${folder}genesis`, parseGenesis)
  if (genesis === undefined) return undefined
  const { clusterId, topicId, topic, partition, first } = genesis.value

  const totals = { consumed: 0, stored: 0, late: 0, filtered: 0, deadLettered: 0 }
  const files: Done['files'][number][] = []
  const dead: { offset: number; code: string }[] = []
  let previous: Plan['previous'] = null
  let unfinished: Plan | undefined
  let next = first
  let flushes = 0
  while (plans.has(next)) {
    const plan = await read<Plan>(planKey(next), parsePlan)
    plans.delete(next)
    if (plan === undefined) break
    const { value } = plan
    if (value.start !== next) report('CHAIN_LINK', planKey(next), `says it starts at ${value.start}`)
    if (value.previous?.sha256 !== previous?.sha256)
      report('CHAIN_LINK', planKey(next), 'does not follow the flush before it')
    if ('object' in value.dead) chain.deadLists.delete(value.dead.object)
    if (!dones.delete(next)) {
      report(
        'PLAN_UNFINISHED',
        planKey(next),
        `[${value.start}, ${value.end}) is planned and not done; the next run finishes it`,
      )
      unfinished = value
      break
    }
    const done = await read<Done>(doneKey(next), parseDone)
    if (done === undefined) break
    checkDone(doneKey(next), done.value, plan.value, plan.sha256, report)
    const list = 'object' in value.dead ? (await read(value.dead.object, parseDeadObject))?.value : value.dead
    list?.offsets.forEach((offset, i) => dead.push({ offset, code: list.verdicts[list.verdictOf[i]!]!.code }))
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += done.value.counts[name]
    files.push(...done.value.files)
    previous = { start: next, sha256: done.sha256 }
    next = done.value.end
    flushes += 1
  }
  const rest = [...[...plans].map(planKey), ...[...dones].map(doneKey)]
  for (const key of rest) {
    const start = Number(key.slice(folder.length, folder.length + 20))
    if (start < next) report('CHAIN_FORK', key, `starts inside the chain, which has reached ${next}`)
    else report('CHAIN_HOLE', key, `the chain ends at ${next}; what leads to ${start} is missing`)
  }
  for (const key of chain.deadLists) report('DEAD_LIST_UNUSED', key, 'no plan names it: its writer lost the race')
  const audited = { clusterId, topicId, topic, partition, first, next, flushes, counts: totals, dead }
  return { partition: audited, files, unfinished }
}

function checkDone(key: string, done: Done, plan: Plan, planSha256: string, report: Report): void {
  if (done.start !== plan.start || done.end !== plan.end || done.plan !== planSha256) {
    report('CHAIN_LINK', key, 'does not belong to its plan')
  }
  const { consumed, stored, late, filtered, deadLettered } = done.counts
  const rowsOf = (kind: string): number =>
    done.files.reduce((sum, file) => sum + (file.kind === kind ? file.rows : 0), 0)
  const wrong =
    consumed !== stored + late + filtered + deadLettered ||
    stored !== rowsOf('data') ||
    late !== rowsOf('late') ||
    deadLettered !== rowsOf('dead') ||
    stored + late !== plan.counts.rows ||
    filtered !== plan.counts.filtered ||
    deadLettered !== plan.counts.dead ||
    consumed > done.end - done.start
  if (wrong) report('COUNTS_WRONG', key, 'records, files and plan do not add up')
}

async function checkDigest(
  file: Done['files'][number],
  deep: boolean,
  store: ObjectStore,
  calls: StoreCalls,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const found = deep ? sha256Hex(await store.get(file.key, signal)) : (await calls.head(file.key, signal))?.sha256
  if (found !== undefined && found !== file.sha256) {
    report('OBJECT_CHANGED', file.key, `has digest ${found.slice(0, 12)}, was written with ${file.sha256.slice(0, 12)}`)
  }
}
