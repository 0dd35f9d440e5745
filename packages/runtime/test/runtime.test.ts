import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import {
  createLogger,
  createProgress,
  describeError,
  formatBytes,
  onShutdown,
  renderTable,
  runCli,
  RuntimeError,
  serveMetrics,
} from '@sluice/runtime'

function capture() {
  const stream = new PassThrough()
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { stream, text: () => Buffer.concat(chunks).toString() }
}

describe('createLogger', () => {
  it('writes JSON to anything that is not a terminal, with control characters escaped (input 33)', () => {
    const { stream, text } = capture()
    createLogger({ name: 'app', stream }).info({ topic: 'a\n{"level":60}\u001b[31m' }, 'hello')
    const lines = text().trimEnd().split('\n')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 30,
      name: 'app',
      msg: 'hello',
      topic: 'a\n{"level":60}\u001b[31m',
    })
    expect(lines[0]).not.toContain('\u001b')
  })
})

describe('createProgress', () => {
  it('writes plain lines, at most one per interval, and one at the end', () => {
    const { stream, text } = capture()
    let now = 0
    const progress = createProgress({
      label: 'produce',
      total: 10,
      unit: 'events',
      stream: stream as unknown as NodeJS.WriteStream,
      plainEveryMs: 100,
      now: () => now,
    })
    for (let done = 1; done <= 10; done++) {
      now += 30
      progress.update(done)
    }
    progress.stop()
    progress.stop()
    expect(text()).toBe('produce 4/10 events\nproduce 8/10 events\nproduce 10/10 events\n')
  })

  it('does without a total where the end is not known', () => {
    const { stream, text } = capture()
    const progress = createProgress({
      label: 'produce',
      unit: 'events',
      stream: stream as unknown as NodeJS.WriteStream,
    })
    progress.update(7, '3/s')
    progress.stop()
    expect(text()).toBe('produce 7 events 3/s\n')
  })
})

describe('onShutdown', () => {
  it('asks for a drain at the first signal and exits at the second (fault 74)', () => {
    const target = new EventEmitter()
    const exits: number[] = []
    const seen: string[] = []
    const shutdown = onShutdown({
      graceMs: 60_000,
      process: target,
      exit: (code) => exits.push(code),
      onSignal: (signal) => seen.push(signal),
    })
    target.emit('SIGTERM', 'SIGTERM')
    expect(shutdown.signal.aborted).toBe(true)
    expect(exits).toEqual([])
    target.emit('SIGINT', 'SIGINT')
    expect(exits).toEqual([130])
    expect(seen).toEqual(['SIGTERM'])
    shutdown[Symbol.dispose]()
    expect(target.listenerCount('SIGTERM') + target.listenerCount('SIGINT')).toBe(0)
  })

  it('exits when the drain outlives its grace period', async () => {
    const target = new EventEmitter()
    const exited = new Promise<number>((resolve) => onShutdown({ graceMs: 1, process: target, exit: resolve }))
    const keepAlive = setInterval(() => undefined, 1000)
    target.emit('SIGINT', 'SIGINT')
    expect(await exited).toBe(130)
    clearInterval(keepAlive)
  })
})

describe('serveMetrics', () => {
  it('serves metrics, and health that follows the state', async () => {
    let ready = true
    await using server = await serveMetrics({
      port: 0,
      health: () => ({ live: true, ready, detail: ready ? 'ok' : 'loop stalled' }),
    })
    const metrics = await fetch(`${server.url}/metrics`)
    expect(await metrics.text()).toContain('process_cpu_user_seconds_total')
    expect((await fetch(`${server.url}/ready`)).status).toBe(200)
    ready = false
    const red = await fetch(`${server.url}/ready`)
    expect([red.status, await red.text()]).toEqual([503, 'loop stalled\n'])
    expect((await fetch(`${server.url}/live`)).status).toBe(200)
    expect((await fetch(`${server.url}/other`)).status).toBe(404)
    expect((await fetch(`${server.url}/metrics`, { method: 'POST' })).status).toBe(405)
  })

  it('names the address when it cannot be bound', async () => {
    await using server = await serveMetrics({ port: 0, health: () => ({ live: true, ready: true }) })
    const port = Number(new URL(server.url).port)
    await expect(serveMetrics({ port, health: () => ({ live: true, ready: true }) })).rejects.toMatchObject({
      code: 'METRICS_UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
  })
})

describe('runCli', () => {
  const cli = async (argv: string[], action: () => void | Promise<void> = () => undefined) => {
    let text = ''
    const code = await runCli(
      {
        name: 'app',
        description: 'an app',
        version: '1.0.0',
        setUp: (program) => void program.command('go').requiredOption('--to <place>', 'where').action(action),
        stderr: (part) => (text += part),
      },
      argv,
    )
    return { code, text }
  }

  it('exits 0 when done, 2 for wrong words with a hint', async () => {
    expect((await cli(['go', '--to', 'x'])).code).toBe(0)
    const unknown = await cli(['og'])
    expect(unknown.code).toBe(2)
    expect(unknown.text).toContain('Did you mean go?')
    expect((await cli(['go'])).text).toContain("required option '--to <place>'")
  })

  it('takes the exit code of the error and prints its causes', async () => {
    const failed = await cli(['go', '--to', 'x'], () => {
      throw new RuntimeError('CONFIG_INVALID', 'bad key', { cause: new Error('root') })
    })
    expect(failed.code).toBe(2)
    expect(failed.text).toContain('app: CONFIG_INVALID: bad key\n  because Error: root')
    expect((await cli(['go', '--to', 'x'], () => Promise.reject(new Error('boom')))).code).toBe(1)
  })

  it('prints a code without a stack, and a stack for an error without a code', () => {
    expect(describeError(new RuntimeError('CONFIG_INVALID', 'm'))).toBe('CONFIG_INVALID: m')
    expect(describeError(new TypeError('m'))).toContain('runtime.test.ts')
  })
})

describe('text output', () => {
  it('groups digits, aligns numbers right and escapes terminal codes (input 33)', () => {
    const text = renderTable(
      [
        { title: 'name', value: (row: { n: string; c: number }) => row.n },
        { title: 'rows', value: (row) => row.c },
      ],
      [
        { n: 'a\u001b[31m', c: 1234567 },
        { n: 'b', c: 2 },
      ],
    )
    expect(text).toContain('1,234,567')
    expect(text).toContain('│         2 │')
    expect(text).toContain('a\\u001b[31m')
  })

  it('formats sizes', () => {
    expect([0, 1023, 1024, 1536, 5 * 2 ** 30].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '5.0 GiB',
    ])
  })
})
