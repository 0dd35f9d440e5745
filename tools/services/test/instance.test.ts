import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { instanceEnvironment, serviceStatuses, startServices, stopServices } from '../src/instance.ts'
import type { ProcessId } from '../src/process.ts'
import { isAlive, processStart } from '../src/process.ts'
import { readState, writeOwner } from '../src/state.ts'
import { fakeService } from './fake-service.ts'

let cache: string
const lines: string[] = []
const catalogue = { alpha: fakeService('alpha'), beta: fakeService('beta') }
const at = (instance: string, more: object = {}) => ({
  cache,
  instance,
  catalogue,
  backend: 'native' as const,
  report: (line: string) => lines.push(line),
  ...more,
})

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'sluice-services-'))
  lines.length = 0
})
afterEach(async () => {
  for (const instance of ['one', 'two']) await stopServices(at(instance))
  rmSync(cache, { recursive: true })
})

const pidAt = async (url: string) => Number(await (await fetch(url)).text())
const stateOf = (instance: string, service: string) => readState(join(cache, 'run', instance), service)

describe('an instance', () => {
  it('starts, waits, names its environment, stops, leaves nothing', async () => {
    const env = await startServices(['alpha', 'beta'], at('one'))
    expect(Object.keys(env).sort()).toEqual(['ALPHA_URL', 'BETA_URL'])
    expect(await instanceEnvironment(at('one'))).toEqual(env)
    const pids = await Promise.all(Object.values(env).map(pidAt))
    expect((await serviceStatuses(at('one'))).map((s) => [s.service, s.state, s.pid])).toEqual([
      ['alpha', 'healthy', pids[0]],
      ['beta', 'healthy', pids[1]],
    ])
    expect((await stopServices(at('one'))).sort()).toEqual(['alpha', 'beta'])
    expect(pids.map(processStart)).toEqual([undefined, undefined])
    expect(existsSync(join(cache, 'run/one'))).toBe(false)
    expect(await stopServices(at('one'))).toEqual([])
  })

  it('started twice is started once, and more services can join', async () => {
    const first = await startServices(['alpha'], at('one'))
    const again = await startServices(['alpha', 'beta'], at('one'))
    expect(again.ALPHA_URL).toBe(first.ALPHA_URL)
    expect(again.BETA_URL).toBeDefined()
    expect(lines).toContain('alpha: already healthy')
  })

  it('two starts at once agree on one process', async () => {
    const [a, b] = await Promise.all([startServices(['alpha'], at('one')), startServices(['alpha'], at('one'))])
    expect(a).toEqual(b)
  })

  it('lives beside another one, and stopping one leaves the other', async () => {
    const one = await startServices(['alpha'], at('one'))
    const two = await startServices(['alpha'], at('two'))
    expect(one.ALPHA_URL).not.toBe(two.ALPHA_URL)
    await stopServices(at('one'))
    expect(await pidAt(two.ALPHA_URL!)).toBeGreaterThan(0)
  })

  it('notices a service that was killed, and starts it anew', async () => {
    const before = await startServices(['alpha'], at('one'))
    process.kill(await pidAt(before.ALPHA_URL!), 'SIGKILL')
    const dead = stateOf('one', 'alpha')!.process!
    await expect.poll(() => isAlive(dead)).toBe(false)
    expect(await serviceStatuses(at('one'))).toMatchObject([
      { service: 'alpha', state: 'dead', reason: 'its process is gone' },
    ])
    await expect(instanceEnvironment(at('one'))).rejects.toThrow(/alpha is dead.*SERVICE_UNHEALTHY/)
    const after = await startServices(['alpha'], at('one'))
    expect(await pidAt(after.ALPHA_URL!)).not.toBe(dead.pid)
  })

  it('never stops a process that only has the id of its own', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(stranger, 'spawn')
    await startServices(['alpha'], at('one'))
    const file = join(cache, 'run/one/alpha.json')
    const state = JSON.parse(readFileSync(file, 'utf8')) as object
    const own = stateOf('one', 'alpha')!.process!
    writeFileSync(file, JSON.stringify({ ...state, process: { pid: stranger.pid, startedAt: 'at another time' } }))
    await stopServices(at('one'))
    expect(processStart(stranger.pid!)).toBeDefined()
    stranger.kill('SIGKILL')
    process.kill(own.pid, 'SIGKILL')
  })

  it('stops what an instance left whose owner died; an owner that lives keeps its own', async () => {
    const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(owner, 'spawn')
    const env = await startServices(['alpha'], at('one'))
    const pid = await pidAt(env.ALPHA_URL!)
    writeOwner(join(cache, 'run/one'), { pid: owner.pid!, startedAt: processStart(owner.pid!)! })
    await startServices(['beta'], at('two', { owned: true }))
    expect(processStart(pid)).toBeDefined()
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    await startServices(['beta'], at('two', { owned: true }))
    expect(processStart(pid)).toBeUndefined()
    expect(existsSync(join(cache, 'run/one'))).toBe(false)
  })
})

describe('a service that does not come up', () => {
  it('is an error with the end of its log, and is gone', async () => {
    const broken = { alpha: fakeService('alpha', { script: `console.log('the disk is on fire'); process.exit(3)` }) }
    const start = startServices(['alpha'], at('one', { catalogue: broken }))
    await expect(start).rejects.toThrow(
      /process ended before it was healthy[^]*the disk is on fire[^]*SERVICE_UNHEALTHY/,
    )
    expect(await serviceStatuses(at('one'))).toEqual([])
  })

  it('that never answers is stopped after its time', async () => {
    let started: ProcessId | undefined
    const mute = {
      ...fakeService('alpha', { script: 'setInterval(() => {}, 1000)', healthyWithinMs: 300 }),
      probe: () => {
        started = stateOf('one', 'alpha')?.process
        return Promise.reject(new Error('silence'))
      },
    }
    await expect(startServices(['alpha'], at('one', { catalogue: { alpha: mute } }))).rejects.toThrow(
      /not healthy after 300 ms: silence[^]*SERVICE_UNHEALTHY/,
    )
    expect(started).toBeDefined()
    expect(isAlive(started!)).toBe(false)
  })

  it('does not take its neighbour down', async () => {
    const mixed = { ...catalogue, beta: fakeService('beta', { script: 'process.exit(1)' }) }
    await expect(startServices(['alpha', 'beta'], at('one', { catalogue: mixed }))).rejects.toThrow(/beta/)
    expect(await serviceStatuses(at('one', { catalogue: mixed }))).toMatchObject([
      { service: 'alpha', state: 'healthy' },
    ])
  })

  it('because its port was taken meanwhile gets other ports', async () => {
    const thief = createServer().listen(0, '127.0.0.1')
    await once(thief, 'listening')
    const taken = (thief.address() as AddressInfo).port
    let launches = 0
    const usual = fakeService('alpha')
    const robbed = {
      ...usual,
      launch: async (context: Parameters<typeof usual.launch>[0]) => {
        const launch = await usual.launch(context)
        return launches++ === 0 ? { ...launch, env: { FAKE_PORT: String(taken) } } : launch
      },
    }
    const env = await startServices(['alpha'], at('one', { catalogue: { alpha: robbed } }))
    thief.close()
    expect(launches).toBe(2)
    expect(await pidAt(env.ALPHA_URL!)).toBeGreaterThan(0)
  })

  it('because nobody knows it is refused before anything starts', async () => {
    await expect(startServices(['alpha', 'gamma'], at('one'))).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' })
    await expect(startServices(['toString'], at('one'))).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' })
    await expect(startServices(['alpha'], at('../up'))).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' })
    expect(existsSync(join(cache, 'run'))).toBe(false)
  })

  it('for a damaged state file says which', async () => {
    await startServices(['alpha'], at('one'))
    const { pid } = stateOf('one', 'alpha')!.process!
    const file = join(cache, 'run/one/alpha.json')
    const good = readFileSync(file)
    writeFileSync(file, '{"service": "alpha"')
    await expect(startServices(['alpha'], at('one'))).rejects.toThrow(/alpha\.json.*SERVICE_STATE/)
    writeFileSync(file, good)
    await stopServices(at('one'))
    expect(processStart(pid)).toBeUndefined()
  })
})
