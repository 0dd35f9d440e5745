import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verifyLake } from '@sluice/app-kit'
import { sinkHookPoints } from '@sluice/ingest-core'
import { loadConfig } from '@sluice/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onPremConfig } from '../src/config.ts'
import { openShop } from '../src/ecommerce/shop-app.ts'
import { runApp } from './run-app.ts'

const child = fileURLToPath(new URL('./ingest-child.ts', import.meta.url))
const never = new AbortController().signal

/** Exit code, or the signal that ended it. */
function run(args: readonly string[]): Promise<{ code: number | string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=sluice-source', child, ...args], (error, _stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 'unknown'), stderr })
    })
  })
}

describe('SIGTERM (fault 74)', { timeout: 240_000 }, () => {
  let root: string
  let lakes = 0
  const freshLake = async (): Promise<string> => {
    const dataDir = join(root, `lake-${lakes++}`)
    await cp(join(root, 'produced'), dataDir, { recursive: true })
    return dataDir
  }
  const verified = (dataDir: string) =>
    verifyLake(openShop(loadConfig(onPremConfig, { flags: { dataDir } })), never, true)

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-sigterm-'))
    const ended = await runApp([
      '-d',
      join(root, 'produced'),
      '--log-level',
      'error',
      'ecommerce',
      'produce',
      '-n',
      '3000',
    ])
    expect(ended.code, ended.stderr).toBe(0)
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  it.each(['idle', ...sinkHookPoints])('at %s: drains, exits 0, and what landed is right', async (point) => {
    const dataDir = await freshLake()
    const ended = await run([dataDir, point, '1', '1'])
    expect(ended).toEqual({ code: 0, stderr: '' })
    const { ok, audit, diff } = await verified(dataDir)
    expect({ ok, differences: diff.differences }).toEqual({ ok: true, differences: [] })
    expect(audit.findings).toEqual([])
    // What was buffered when it came was made durable, not dropped.
    if (!point.endsWith('genesis')) expect(diff.compared).toBeGreaterThan(0)
  })

  it('a second signal exits at once, in the middle of a commit, and the next run mends it', async () => {
    const dataDir = await freshLake()
    expect((await run([dataDir, 'after_plan', '2', '2'])).code).toBe(130)
    expect(await runApp(['-d', dataDir, '--log-level', 'error', 'ecommerce', 'ingest'])).toMatchObject({ code: 0 })
    const { ok, diff } = await verified(dataDir)
    expect({ ok, compared: diff.compared, pending: diff.pending }).toEqual({ ok: true, compared: 3000, pending: 0 })
  })
})
