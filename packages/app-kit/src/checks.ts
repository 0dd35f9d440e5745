import { createHash, randomUUID } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { formatBytes, type CheckResult, type HealthCheck } from '@sluice/runtime'
import type { LakeApp } from './lake-app.ts'
import { readLakeState, type PartitionState } from './lake-state.ts'

const ok = (found: string): CheckResult => ({ outcome: 'ok', found })
const warn = (found: string, advice: string): CheckResult => ({ outcome: 'warn', found, advice })
const fail = (found: string, advice: string): CheckResult => ({ outcome: 'fail', found, advice })

/** What every lake app can be asked, whatever its parts are. */
export function lakeChecks(app: LakeApp): HealthCheck[] {
  return [conditionalWrites(app), storePermissions(app), registryAnswers(app), topicsAndRetention(app)]
}

/** Create-only puts are what exactly-once stands on; `open` of a store proves them (fault 53). */
function conditionalWrites(app: LakeApp): HealthCheck {
  return {
    name: 'store: conditional writes',
    async run(signal) {
      const store = await app.openStore(signal)
      await store.close()
      return store.supports.createOnly
        ? ok(`${store.name} creates only what is not there`)
        : fail(`${store.name} overwrites`, 'use a store that honours create-only puts')
    },
  }
}

/** Writes, reads, lists and deletes one object of its own. */
function storePermissions(app: LakeApp): HealthCheck {
  return {
    name: 'store: permissions',
    async run(signal) {
      const store = await app.openStore(signal)
      const key = `_doctor/${randomUUID()}`
      const body = Buffer.from('doctor')
      try {
        await store.putIfAbsent(key, body, createHash('sha256').update(body).digest('hex'), {}, signal)
        try {
          const read = await store.get(key, signal)
          if (!body.equals(read)) return fail('an object came back with other bytes', 'do not use this store')
          let listed = false
          for await (const each of store.list('_doctor/', signal)) listed ||= each.key === key
          if (!listed) {
            return fail('an object that was just written is not listed', 'use a store that lists what it has')
          }
        } finally {
          await store.delete([key], signal)
        }
        return ok('can write, read, list and delete')
      } finally {
        await store.close()
      }
    },
  }
}

function registryAnswers(app: LakeApp): HealthCheck {
  return {
    name: 'registry',
    async run(signal) {
      const { registry, close } = app.openRegistry()
      try {
        const avro = app.contracts.filter(({ format }) => format === 'avro')
        const missing: string[] = []
        for (const { subject } of avro) {
          if ((await registry.latest(subject, signal)) === undefined) missing.push(subject)
        }
        if (missing.length === 0) return ok(`knows ${avro.length} subjects`)
        return warn(`has no schema for ${missing.join(', ')}`, 'run `init` or `produce`, or check the URL')
      } finally {
        await close()
      }
    },
  }
}

/** What retention has taken that has not landed is lost; how much is left before that happens is a warning. */
function topicsAndRetention(app: LakeApp): HealthCheck {
  return {
    name: 'topics: retention against lag',
    async run(signal) {
      const { partitions } = await readLakeState(app, signal, false)
      return judgeRetention(partitions)
    },
  }
}

/** Pure. */
export function judgeRetention(partitions: readonly PartitionState[]): CheckResult {
  const where = ({ partition }: PartitionState): string => `${partition.topic}[${partition.partition}]`
  const lost = partitions.filter(({ start, next }) => next !== null && next < start)
  if (lost.length > 0) {
    const ranges = lost.map((each) => `${where(each)} [${each.next}, ${each.start})`).join(', ')
    return fail(
      `retention has taken records that never landed: ${ranges}`,
      'restore them, or accept the gap by hand; see the runbook',
    )
  }
  const lagging = partitions.filter(({ start, end, next }) => {
    const lag = end - (next ?? start)
    return lag > 0 && (next ?? start) - start < lag / 10 && start > 0
  })
  if (lagging.length > 0) {
    return warn(
      `retention is close behind the sink in ${lagging.map(where).join(', ')}`,
      'raise retention.ms or retention.bytes of the topic, or add workers, before records are deleted that have not landed',
    )
  }
  const lag = partitions.reduce((sum, { start, end, next }) => sum + end - (next ?? start), 0)
  return ok(`${partitions.length} partitions, ${lag.toLocaleString('en-US')} records to land, none lost to retention`)
}

/** Compares this machine's clock with the `date` of an HTTP server; signatures of S3 are refused at 15 minutes. */
export function clockCheck(name: string, url: string): HealthCheck {
  return {
    name: `clock: ${name}`,
    async run(signal) {
      const before = Date.now()
      const date = await dateOf(url, signal)
      const middle = (before + Date.now()) / 2
      if (date === undefined) return warn(`${name} does not tell the time`, 'compare the clocks by hand')
      // The header has whole seconds.
      const skew = Math.max(0, Math.abs(middle - (date + 500)) - 500) / 1000
      const text = `${skew.toFixed(1)} s apart from ${name}`
      if (skew > 300) return fail(text, 'set the clock (NTP): signatures will be refused, and lag in seconds is wrong')
      return skew > 10 ? warn(text, 'set the clock (NTP): lag in seconds is wrong by as much') : ok(text)
    },
  }
}

function dateOf(url: string, signal: AbortSignal): Promise<number | undefined> {
  const send = url.startsWith('https:') ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const outgoing = send(url, { method: 'HEAD', signal }, (answer) => {
      answer.resume()
      const at = Date.parse(answer.headers.date ?? '')
      resolve(Number.isNaN(at) ? undefined : at)
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** Room on the disk of a folder. */
export function diskCheck(folder: string, leastBytes = 2 ** 30): HealthCheck {
  return {
    name: 'disk: room',
    async run() {
      const { bavail, bsize } = await statfs(folder)
      const free = bavail * bsize
      const text = `${formatBytes(free)} free`
      return free < leastBytes ? warn(text, `make room: at least ${formatBytes(leastBytes)} is wanted`) : ok(text)
    },
  }
}
