import { rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpFault, HttpProxy, SeenRequest } from '@sluice-tools/proxies'
import { sessionMs } from './chaos-kafka.ts'
import type { Crew, Worker } from './crew.ts'
import type { FaultKind } from './fault-kinds.ts'
import type { FaultEvent } from './schedule.ts'
import type { Stage } from './stage.ts'

/** What faults strike at. */
export interface Target {
  readonly stage: Stage
  readonly crew: Crew
  /** Folder of the local store; see `CHAOS_DISK`. */
  readonly disk: string
  /** Counts a fault that really happened: a request was hit, a point was reached. */
  struck(kind: FaultKind): void
  /** What each partition has committed, now. */
  progress(): Promise<readonly number[]>
  /** Counts a zombie that woke after others had committed past it in every partition. */
  overtaken(): void
}

/** A zombie sleeps at least so long: well beyond what the group waits for a member. */
const zombieMs = sessionMs + 1500

/** And at most so long, should nobody commit in its place: everything is down, or there is nothing more to commit. */
const zombieMostMs = 30_000

/** So long a zombie cannot hear from the broker after it woke; within what the group allows the others. */
const deafMs = 1500

/** What a request that was on its way when the zombie was stopped may take to have its effect. */
const settleMs = 500

const patienceMs = 30_000

/** Lets one fault happen, and heals it when its time is over. */
export async function strike(event: FaultEvent, target: Target): Promise<void> {
  const { kind, lastsMs, point, nth } = event
  const { stage, crew } = target
  const { kafka, store, registry } = stage
  const first = Promise.withResolvers<void>()
  const struck = (): void => {
    target.struck(kind)
    first.resolve()
  }
  /** A fault that waits for work to strike at gets its time, but not for ever. */
  const untilStruck = (): Promise<unknown> =>
    Promise.race([first.promise, sleep(patienceMs, undefined, { ref: false })])

  switch (kind) {
    case 'kill':
      crew.replace(picked())
      return struck()
    case 'kill-at-point':
      return void (await trapped('SIGKILL'))
    case 'zombie': {
      const worker = picked()
      worker.signal('SIGSTOP')
      struck()
      return zombie(worker)
    }
    case 'zombie-at-point': {
      const worker = await trapped('SIGSTOP')
      return worker && zombie(worker)
    }
    case 'scale-out':
      crew.hire()
      return struck()
    case 'scale-in': {
      const worker = picked()
      if (crew.awake().length < 2) crew.hire()
      crew.dismiss(worker)
      return struck()
    }
    case 'clock-jump':
      crew.replace(picked(), { clockShiftMs: event.shiftMs })
      return struck()
    case 'broker-restart':
    case 'broker-crash':
      return stage.inBrokerTurn(async () => {
        await stage.restartBroker(kind === 'broker-crash' ? 'SIGKILL' : 'SIGTERM')
        struck()
      })
    case 'broker-hang':
      return stage.inBrokerTurn(async () => {
        await stage.signalBroker('SIGSTOP')
        struck()
        await sleep(lastsMs + sessionMs)
        await stage.signalBroker('SIGCONT')
      })
    case 'kafka-reset':
      for (let i = 0; i < 3; i++) {
        if (kafka.connections() > 0) struck()
        kafka.resetAll()
        await sleep(lastsMs / 3)
      }
      return
    case 'kafka-slow':
      return onKafka({ delayMs: 300 }, { delayMs: 0 })
    case 'kafka-half-open':
      return onKafka({ toServer: 'hold' }, { toServer: 'forward' })
    case 'kafka-lost-replies':
      await onKafka({ toClient: 'drop' }, { toClient: 'forward' })
      return kafka.resetAll()
    case 'store-errors':
      return onHttp(store, lastsMs, [
        { share: 0.2, fault: { kind: 'answer', status: 503, body: slowDown } },
        { share: 0.2, fault: { kind: 'answer', status: 500, body: '' } },
      ])
    case 'store-slow':
      return onHttp(store, lastsMs, [{ share: 0.5, fault: { kind: 'delay', ms: 700 } }])
    case 'store-trickle':
      return onHttp(store, lastsMs, [{ when: isWrite, fault: { kind: 'throttle', bytesPerSecond: 2000 } }])
    case 'store-hang':
      return onHttp(store, lastsMs, [{ share: 0.2, fault: { kind: 'hang' } }])
    case 'store-lost-replies':
      return onHttp(store, lastsMs, [{ share: 0.4, when: isWrite, fault: { kind: 'lose-reply' } }])
    case 'store-cut-replies':
      return onHttp(store, lastsMs, [{ share: 0.4, fault: { kind: 'cut-reply', bytes: 20 } }])
    case 'store-spoiled-uploads':
      return onHttp(store, lastsMs, [{ share: 0.4, when: isWrite, fault: { kind: 'spoil-request' } }])
    case 'slow-upload-rebalance': {
      const over = onHttp(store, lastsMs + 1000, [{ when: isWrite, fault: { kind: 'delay', ms: 1500 } }])
      await sleep(300)
      crew.hire()
      return over
    }
    case 'registry-outage':
      crew.replace(picked())
      return onHttp(registry, lastsMs + 1500, [
        { share: 0.5, fault: { kind: 'drop' } },
        { fault: { kind: 'answer', status: 503, body: '' } },
      ])
    case 'registry-garbage':
      crew.replace(picked())
      return onHttp(registry, lastsMs + 1500, [
        { share: 0.25, fault: { kind: 'answer', status: 500, body: '{"error_code":50001,"message":"down"}' } },
        { share: 0.25, fault: { kind: 'answer', status: 429, body: '', headers: { 'retry-after': '1' } } },
        { share: 0.35, fault: { kind: 'answer', status: 404, body: '<html>not here</html>', headers: html } },
        { share: 0.5, fault: { kind: 'delay', ms: 2500 } },
        { fault: { kind: 'answer', status: 200, body: '<html>log in</html>', headers: html } },
      ])
    case 'disk-full': {
      await writeFile(`${target.disk}.full`, '')
      struck()
      await sleep(lastsMs)
      return rm(`${target.disk}.full`, { force: true })
    }
  }

  /** Whoever comes to the point first, if anybody does in time. */
  async function trapped(signal: 'SIGKILL' | 'SIGSTOP'): Promise<Worker | undefined> {
    const trap = crew.trap({ point, nth, signal })
    await Promise.race([trap.sprung, sleep(patienceMs, undefined, { ref: false })])
    trap.remove()
    const worker = await trap.sprung
    if (worker !== undefined) struck()
    return worker
  }

  /** Wakes one that is stopped when others have gone past all it may hold: what it has in mind then is decided already. */
  async function zombie(worker: Worker): Promise<void> {
    if (crew.awake().length === 0) crew.hire()
    await sleep(settleMs)
    const began = performance.now()
    const before = await target.progress()
    await sleep(zombieMs - settleMs)
    let passed = false
    while (!passed && performance.now() - began < zombieMostMs) {
      const now = await target.progress()
      passed = now.every((next, partition) => next > before[partition]!)
      if (!passed) await sleep(200)
    }
    if (passed) target.overtaken()
    if (event.deaf) kafka.set({ toServer: 'hold' })
    worker.signal('SIGCONT')
    if (!event.deaf) return
    await sleep(deafMs)
    kafka.set({ toServer: 'forward' })
  }

  function picked(): Worker {
    const awake = crew.awake()
    return awake[Math.floor(event.pick * awake.length)] ?? crew.hire()
  }

  async function onKafka(fault: Parameters<typeof kafka.set>[0], healed: Parameters<typeof kafka.set>[0]) {
    kafka.set(fault)
    await sleep(lastsMs)
    if (kafka.connections() > 0) struck()
    kafka.set(healed)
  }

  async function onHttp(proxy: HttpProxy, ms: number, rules: readonly Rule[]): Promise<void> {
    const remove = rules.map((rule) => proxy.rule({ ...rule, onStrike: struck }))
    await sleep(ms)
    await untilStruck()
    for (const each of remove) each()
  }
}

interface Rule {
  readonly share?: number
  readonly when?: (request: SeenRequest) => boolean
  readonly fault: HttpFault
}

const isWrite = ({ method }: SeenRequest): boolean => method === 'PUT' || method === 'POST'
const html = { 'content-type': 'text/html' }
const slowDown = '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>reduce your rate</Message></Error>'
