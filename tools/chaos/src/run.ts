import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditChain, createLocalStore } from '@sluice/ingest-core'
import { createS3Store } from '@sluice/sink-s3-minio'
import { auditLake, type Audit, type Violation } from './auditor.ts'
import { sessionMs } from './chaos-kafka.ts'
import { createCrew, type Crew, type WorkerEnd } from './crew.ts'
import type { FaultKind } from './fault-kinds.ts'
import { contractOn, sinkId } from './lake-contract.ts'
import { createFolderView, createS3View } from './lake-view.ts'
import { createTopic, produceRecords } from './producing.ts'
import { partitions, type RunPlan } from './schedule.ts'
import type { Stage } from './stage.ts'
import { strike } from './strike.ts'
import { watchProgress } from './watch.ts'
import type { StoreSetting } from './worker-protocol.ts'

export interface RunResult {
  readonly plan: RunPlan
  readonly violations: readonly Violation[]
  /** How often each kind of fault happened. */
  readonly struck: Readonly<Partial<Record<FaultKind, number>>>
  /** Zombies that woke after others had committed past them in every partition. */
  readonly overtaken: number
  readonly records: number
  readonly outcomes: Audit['outcomes']
  readonly flushes: number
  readonly files: number
  readonly samples: number
  /** Lives of worker processes, and of those the ones that did not end by SIGTERM and code 0. */
  readonly lives: number
  readonly endings: Readonly<Record<string, number>>
  readonly troubles: Readonly<Record<string, number>>
  readonly ms: number
  /** Since the beginning, ms: the first commit, the last fault healed, all records produced, everything committed. */
  readonly marks: Readonly<Record<'committing' | 'struck' | 'produced' | 'drained', number>>
}

const drainWithinMs = 120_000

/** One run: records are produced, workers land them, faults strike; then everything is healed, drained and audited. */
export async function run(plan: RunPlan, stage: Stage): Promise<RunResult> {
  const began = performance.now()
  const name = `chaos-${plan.seed}-${Date.now().toString(36)}`
  const folder = await mkdtemp(join(tmpdir(), 'sluice-chaos-'))
  const disk = join(folder, 'lake')
  await mkdir(disk)
  const { s3 } = stage.direct
  const view = plan.store === 'local' ? createFolderView(disk) : await createS3View(s3, name)
  const store: StoreSetting =
    plan.store === 'local'
      ? { kind: 'local', root: disk }
      : { ...s3, kind: 's3', endpoint: stage.proxied.s3Endpoint, bucket: name, multipartAbove: plan.multipartAbove }
  const crew = createCrew(
    {
      driver: plan.driver,
      brokers: stage.proxied.brokers,
      topic: name,
      groupId: name,
      sessionMs,
      registryUrl: stage.proxied.registryUrl,
      store,
      format: plan.format,
      rotateRows: plan.rotateRows,
    },
    { ...stage.workerEnvironment, ...(plan.store === 'local' && { CHAOS_DISK: disk }) },
  )
  const watch = watchProgress({ view, brokers: stage.direct.brokers, groupId: name })
  const struck: Partial<Record<FaultKind, number>> = {}
  let overtaken = 0
  const violations: Violation[] = []
  const marks = { committing: 0, struck: 0, produced: 0, drained: 0 }
  const mark = (name: keyof typeof marks): void => void (marks[name] = Math.round(performance.now() - began))
  try {
    await createTopic(name, stage.direct.brokers)
    const enough = new AbortController()
    const producing = produceRecords(plan, { ...stage.direct, topic: name, enough: enough.signal })
    producing.catch(() => undefined) // awaited below
    for (let i = 0; i < plan.workers; i++) crew.hire()
    await until(() => crew.receipts.length > 0, 60_000)
    mark('committing')
    await Promise.all(
      plan.events.map(async (event) => {
        await sleep(event.atMs)
        await strike(event, {
          stage,
          crew,
          disk,
          struck: (kind) => (struck[kind] = (struck[kind] ?? 0) + 1),
          progress: async () => (await watch.look()).next,
          overtaken: () => (overtaken += 1),
        })
      }),
    )
    mark('struck')
    enough.abort()
    const truth = await producing
    mark('produced')
    stage.heal()
    crew.wakeAll()
    while (crew.awake().length < 2) crew.hire()

    const ends = Array.from({ length: partitions }, (_, p) => truth.filter(({ partition }) => partition === p).length)
    const drained = await until(async () => {
      const { next } = await watch.look()
      return next.every((at, p) => at >= ends[p]!)
    }, drainWithinMs)
    mark('drained')
    if (!drained) {
      const at = watch.samples.at(-1)!.next.join(', ')
      const troubles = [...crew.troubles.keys()].join(' ')
      violations.push({
        code: 'STUCK',
        text: `after ${drainWithinMs} ms without faults at ${at}, ends are ${ends.join(', ')}; troubles: ${troubles}`,
      })
    }
    await crew.close(20_000)
    await watch.look()
    await watch.stop()
    violations.push(...judgeWorkers(crew))
    const audit = await auditLake({
      contract: contractOn(name),
      partitions,
      truth,
      view,
      samples: watch.samples,
      receipts: crew.receipts,
    })
    violations.push(...audit.violations, ...(await productAudit(store, s3.endpoint)))
    return {
      plan,
      violations,
      struck,
      overtaken,
      records: truth.length,
      outcomes: audit.outcomes,
      flushes: audit.flushes,
      files: audit.files,
      samples: watch.samples.length,
      lives: crew.ends.length,
      endings: tally(crew.ends.map(endingOf)),
      troubles: Object.fromEntries(crew.troubles),
      marks,
      ms: Math.round(performance.now() - began),
    }
  } finally {
    stage.heal()
    await crew.close(1000)
    await watch.stop().catch(() => undefined) // told above when the run got that far
    view.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Waits until it holds. @returns false when it does not within `ms` */
async function until(holds: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; !(await holds());) {
    if (performance.now() > end) return false
    await sleep(100)
  }
  return true
}

/** What the product's own audit says, every object read. */
async function productAudit(setting: StoreSetting, endpoint: string): Promise<Violation[]> {
  const store = setting.kind === 'local' ? createLocalStore({ root: setting.root }) : createS3Store(s3Options(setting))
  const signal = AbortSignal.timeout(60_000)
  await store.open(signal)
  try {
    const { findings } = await auditChain(store, { sinkId, deep: true, signal })
    return findings
      .filter(({ severity }) => severity === 'error')
      .map(({ code, key, message }) => ({ code: 'PRODUCT_AUDIT', text: `${code} ${key}: ${message}` }))
  } finally {
    await store.close()
  }

  function s3Options({ bucket, region, accessKeyId, secretAccessKey }: StoreSetting & { kind: 's3' }) {
    return { endpoint, bucket, region, credentials: { accessKeyId, secretAccessKey } }
  }
}

/** Codes with which a partition may wait for a decision under these faults; any other is a defect. */
const expectedHalts: ReadonlySet<string> = new Set(['FENCED_TWICE'])

/** What a worker may end with by itself: it could not begin while something was down. */
const expectedErrors =
  /\b(STORE_UNAVAILABLE|STORE_UNKNOWN|STORE_FULL|STORE_DENIED|SINK_UNAVAILABLE|SOURCE_UNAVAILABLE)\b/

function judgeWorkers({ halts, ends }: Crew): Violation[] {
  const halted = halts
    .filter(({ code }) => !expectedHalts.has(code))
    .map(({ code, message }): Violation => ({ code: 'HALTED', text: `${code}: ${message}` }))
  const wrong = ends
    .filter(({ code, signal, asked, stderr }) => {
      if (signal === 'SIGKILL' && !asked) return false
      // One that was asked before it could listen ends by the signal.
      if (asked) return code !== 0 && signal === null
      return code !== 3 && !expectedErrors.test(stderr)
    })
    .map((end): Violation => ({ code: 'EXIT', text: `worker ${end.id} ended with ${endingOf(end)}: ${end.stderr}` }))
  return [...halted, ...wrong]
}

function endingOf({ code, signal, asked, stderr }: WorkerEnd): string {
  if (signal !== null) return signal
  if (code === 0) return asked ? 'asked, 0' : '0'
  const said = /\b[A-Z]{3,}_[A-Z_]+\b/.exec(stderr)?.[0]
  return `${code}${said === undefined ? '' : ` ${said}`}`
}

function tally(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1
  return counts
}
