import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLake, readLakeState, verifyLake } from '@sluice/app-kit'
import { createRandom } from '@sluice/generators'
import { sinkHookPoints } from '@sluice/ingest-core'
import { loadConfig } from '@sluice/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBakery } from '../src/bakery-app.ts'
import { appConfig } from '../src/config.ts'
import { produceEvents } from '../src/produce.ts'

const SEED = 20_261_121
const KILLS = 50
const KILLS_PER_LAKE = 6
const never = new AbortController().signal
const child = fileURLToPath(new URL('./ingest-child.ts', import.meta.url))

interface Ended {
  readonly killed: boolean
  readonly code: number | null
  readonly ms: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the child; with `killAfterMs`, sends SIGKILL then. */
function run(args: readonly string[], killAfterMs?: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const worker = spawn(process.execPath, ['--conditions=sluice-source', child, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    worker.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    worker.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => worker.kill('SIGKILL'), killAfterMs)
    worker.on('error', reject)
    worker.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ killed: signal === 'SIGKILL', code, ms: performance.now() - started, stdout, stderr })
    })
  })
}

/** Rows and dead letters of a lake by table, each with a digest of its row multiset (order plays no part, nor does the ingest time). */
async function contentOf(dataDir: string): Promise<Record<string, unknown>> {
  const app = openBakery(dataDir)
  const { files } = await readLakeState(app, never, false)
  using lake = await openLake(app, files, never)
  const content: Record<string, unknown> = {}
  for (const view of lake.views) {
    const volatile = view === 'dead_letters' ? '(first_seen, date)' : '(_ingested_at)'
    const reader = await lake.connection.runAndReadAll(
      `select count(*), sum(hash(t)::hugeint) from (select * exclude ${volatile} from "${view}") t`,
    )
    content[view] = reader.getRows()[0]!.map(String)
  }
  return content
}

describe('SIGKILL at any moment, then again (faults 1 to 7)', () => {
  let root: string
  let reference: Record<string, unknown>
  let fullRunMs: number

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-kill-'))
    const dataDir = join(root, 'reference')
    const config = loadConfig(appConfig, {
      flags: { dataDir, 'produce.count': 8000, 'produce.seed': SEED, 'produce.partitions': 2, 'produce.bad': 0.02 },
    })
    await produceEvents(config, openBakery(dataDir), never)
    await cp(dataDir, join(root, 'produced'), { recursive: true })
    const ended = await run([dataDir])
    expect(ended.code, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout).commits).toBeGreaterThan(15)
    fullRunMs = ended.ms
    reference = await contentOf(dataDir)
  })

  afterAll(() => rm(root, { recursive: true, force: true }))

  it(`gives the same rows after ${KILLS} kills (seed ${SEED})`, { timeout: 600_000 }, async () => {
    const random = createRandom(SEED, 'kills')
    let kills = 0
    let lakes = 0

    /** Kills runs over one lake until one gets through or it had its share, then lets it finish and compares. */
    const oneLake = async (): Promise<void> => {
      const dataDir = join(root, `lake-${lakes++}`)
      await cp(join(root, 'produced'), dataDir, { recursive: true })
      const schedule: string[] = []
      for (let turn = 0; turn < KILLS_PER_LAKE; turn++) {
        // By turns at a named point of the protocol and at any moment of the run. Genesis happens in a lake's first run only.
        const points = turn === 0 ? sinkHookPoints : sinkHookPoints.filter((point) => !point.endsWith('genesis'))
        const atPoint = [dataDir, random.pick(points), String(random.between(1, 8))]
        const afterMs = Math.round(fullRunMs * random.range(0.3, 0.9))
        const ended = turn % 2 === 0 ? await run(atPoint) : await run([dataDir], afterMs)
        schedule.push(turn % 2 === 0 ? atPoint.slice(1).join(' x ') : `${afterMs} ms`)
        expect(ended.killed || ended.code === 0, `${schedule.join(', ')}: ${ended.stderr}`).toBe(true)
        if (!ended.killed) break
        kills++
      }
      const last = await run([dataDir])
      expect(last.code, `${schedule.join(', ')}: ${last.stderr}`).toBe(0)
      const { ok, audit, diff } = await verifyLake(openBakery(dataDir), never, true)
      const errors = audit.findings.filter(({ severity }) => severity === 'error')
      const found = { ok, errors, differences: diff.differences, pending: diff.pending }
      expect(found, schedule.join(', ')).toEqual({ ok: true, errors: [], differences: [], pending: 0 })
      expect(await contentOf(dataDir), schedule.join(', ')).toEqual(reference)
      await rm(dataDir, { recursive: true })
    }
    const lane = async () => {
      while (kills < KILLS) await oneLake()
    }
    await Promise.all([lane(), lane()])
    expect(kills).toBeGreaterThanOrEqual(KILLS)
  })

  it('changes nothing when run again', async () => {
    const dataDir = join(root, 'reference')
    const before = await readLakeState(openBakery(dataDir), never, true)
    const again = await run([dataDir])
    expect(JSON.parse(again.stdout)).toEqual({ commits: 0 })
    expect(await readLakeState(openBakery(dataDir), never, true)).toEqual(before)
  })
})
