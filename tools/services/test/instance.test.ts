import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimInstance, restartService, signalService } from '../src/control.ts'
import { instanceEnvironment, serviceStatuses, startServices, stopServices } from '../src/instance.ts'
import type { ProcessId } from '../src/process.ts'
import { isAlive, processStart } from '../src/process.ts'
import { readState, writeOwner } from '../src/state.ts'
import { ownServices, sharedInstanceVariable, testServices } from '../src/test-services.ts'
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

describe('a running service', () => {
  const remembering = fakeService('alpha', {
    script: `const { appendFileSync, readFileSync } = require('node:fs')
appendFileSync('starts', 'x')
require('node:http').createServer((_, answer) => answer.end(process.pid + ' ' + readFileSync('starts'))).listen(Number(process.env.FAKE_PORT), '127.0.0.1')`,
  })
  const own = (more: object = {}) => at('one', { catalogue: { alpha: remembering }, ...more })
  const answer = async (url: string) => (await (await fetch(url)).text()).split(' ') as [string, string]

  it('is restarted over its data at its port, politely or not; what happens in between is seen', async () => {
    const { ALPHA_URL: url } = await startServices(['alpha'], own())
    const [first, starts] = await answer(url!)
    expect(starts).toBe('x')
    let seenDown = 0
    const whileDown = async () => {
      await expect(fetch(url!)).rejects.toThrow()
      seenDown++
    }
    await restartService('alpha', own({ whileDown }))
    await restartService('alpha', own({ whileDown, signal: 'SIGKILL' }))
    expect(seenDown).toBe(2)
    const [third, more] = await answer(url!)
    expect(more).toBe('xxx')
    expect(third).not.toBe(first)
    expect(await serviceStatuses(own())).toMatchObject([{ state: 'healthy', pid: Number(third) }])
  })

  it('that was killed is started again over its data', async () => {
    const { ALPHA_URL: url } = await startServices(['alpha'], own())
    await signalService('alpha', 'SIGKILL', own())
    await expect.poll(async () => (await serviceStatuses(own()))[0]!.state).toBe('dead')
    await expect(signalService('alpha', 'SIGTERM', own())).rejects.toMatchObject({ code: 'SERVICE_UNHEALTHY' })
    await restartService('alpha', own())
    expect((await answer(url!))[1]).toBe('xx')
  })

  it('hangs and wakes, and one that hangs is stopped all the same', async () => {
    const { ALPHA_URL: url } = await startServices(['alpha'], own())
    const [pid] = await answer(url!)
    await signalService('alpha', 'SIGSTOP', own())
    if (existsSync('/proc/self/task')) {
      const threads = readdirSync(`/proc/${pid}/task`)
      const states = threads.map((each) => readFileSync(`/proc/${pid}/task/${each}/stat`, 'utf8').split(') ')[1]![0])
      expect(new Set(states)).toEqual(new Set(['T']))
    }
    await expect(fetch(url!, { signal: AbortSignal.timeout(300) })).rejects.toThrow(/timeout/)
    await signalService('alpha', 'SIGCONT', own())
    expect(await answer(url!)).toEqual([pid, 'x'])
    await signalService('alpha', 'SIGSTOP', own())
    await stopServices(own())
    expect(processStart(Number(pid))).toBeUndefined()
  })

  it('that does not end in time is an error, and what does not run cannot be signalled', async () => {
    const deaf = fakeService('alpha', {
      script: `process.on('SIGTERM', () => {}); require('node:http').createServer((_, answer) => answer.end('1')).listen(Number(process.env.FAKE_PORT), '127.0.0.1')`,
    })
    const options = at('one', { catalogue: { alpha: deaf } })
    await expect(signalService('alpha', 'SIGSTOP', options)).rejects.toThrow(/does not run.*SERVICE_UNHEALTHY/)
    await startServices(['alpha'], options)
    await expect(restartService('alpha', { ...options, downWithinMs: 200 })).rejects.toThrow(
      /did not end within 200 ms/,
    )
    await restartService('alpha', { ...options, signal: 'SIGKILL' })
  })
})

describe('services of tests', () => {
  const before = process.env[sharedInstanceVariable]
  afterEach(() => {
    process.env[sharedInstanceVariable] = before
  })

  it('are those of the run where there is one, and stay; else the caller’s own', async () => {
    process.env[sharedInstanceVariable] = 'one'
    claimInstance(at('one'))
    const first = await testServices(['alpha'], { cache, catalogue })
    await first.release()
    const second = await testServices(['alpha'], { cache, catalogue })
    expect(second.env).toEqual(first.env)
    process.env[sharedInstanceVariable] = ''
    const own = await testServices(['alpha'], { cache, catalogue })
    expect(own.env.ALPHA_URL).not.toBe(first.env.ALPHA_URL)
    const pid = await pidAt(own.env.ALPHA_URL!)
    await own.release()
    expect(processStart(pid)).toBeUndefined()
    expect(await pidAt(first.env.ALPHA_URL!)).toBeGreaterThan(0)
  })

  it('that start beside one that fails do not stay', async () => {
    const mixed = { ...catalogue, beta: fakeService('beta', { script: 'process.exit(1)' }) }
    await expect(ownServices(['alpha', 'beta'], { cache, catalogue: mixed })).rejects.toThrow(/beta/)
    expect(existsSync(join(cache, 'run')) && readdirSync(join(cache, 'run'))).toEqual([])
  })
})

describe('what a service made elsewhere', () => {
  it('is deleted when it stops', async () => {
    const elsewhere = join(cache, 'elsewhere')
    const messy = {
      ...fakeService('alpha'),
      cleanUp: () => rmSync(elsewhere, { recursive: true, force: true }),
      launch: async (context: Parameters<ReturnType<typeof fakeService>['launch']>[0]) => {
        mkdirSync(elsewhere)
        return fakeService('alpha').launch(context)
      },
    }
    await startServices(['alpha'], at('one', { catalogue: { alpha: messy } }))
    expect(existsSync(elsewhere)).toBe(true)
    await stopServices(at('one', { catalogue: { alpha: messy } }))
    expect(existsSync(elsewhere)).toBe(false)
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
