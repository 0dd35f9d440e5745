import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPatternFinder } from '../src/pattern.ts'
import { createTcpProxy } from '../src/tcp-proxy.ts'
import type { TcpProxy } from '../src/tcp-proxy.ts'

/** An echo server that remembers what it heard. */
let server: Server
let heard: string
let proxy: TcpProxy
const clients: Socket[] = []

beforeEach(async () => {
  heard = ''
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      heard += chunk.toString()
      socket.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await createTcpProxy({ target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.close()
  await proxy.close()
  server.close()
})

/** A client: what it read so far, and how it ended. */
async function client() {
  const socket = connect(proxy.port, proxy.host)
  clients.push(socket)
  const seen = { socket, read: '', error: '', closed: false }
  socket.on('data', (chunk) => (seen.read += chunk.toString()))
  socket.on('error', (error: NodeJS.ErrnoException) => (seen.error = error.code ?? 'none'))
  socket.on('close', () => (seen.closed = true))
  await once(socket, 'connect')
  return seen
}

describe('the TCP proxy', () => {
  it('passes both ways, and an end', async () => {
    const one = await client()
    one.socket.write('hello')
    await expect.poll(() => one.read).toBe('hello')
    expect(proxy.connections()).toBe(1)
    one.socket.end()
    await expect.poll(() => proxy.connections()).toBe(0)
    expect(one.error).toBe('')
  })

  it('resets what is open and takes new ones', async () => {
    const one = await client()
    one.socket.write('a')
    await expect.poll(() => one.read).toBe('a')
    proxy.resetAll()
    await expect.poll(() => one.error).toBe('ECONNRESET')
    const two = await client()
    two.socket.write('b')
    await expect.poll(() => two.read).toBe('b')
  })

  it('resets new ones, or lets them hang', async () => {
    proxy.set({ accept: 'reset' })
    const one = await client().catch((error: NodeJS.ErrnoException) => error)
    if (!(one instanceof Error)) await expect.poll(() => one.error).toBe('ECONNRESET')
    proxy.set({ accept: 'hang' })
    const two = await client()
    two.socket.write('anybody?')
    proxy.heal()
    const three = await client()
    three.socket.write('yes')
    await expect.poll(() => three.read).toBe('yes')
    expect(heard).toBe('yes')
    expect(two.read).toBe('')
    expect(two.closed).toBe(false)
  })

  it('holds either way, and lets go', async () => {
    const one = await client()
    proxy.set({ toServer: 'hold' })
    one.socket.write('1')
    proxy.set({ toClient: 'hold' })
    proxy.set({ toServer: 'forward' })
    await expect.poll(() => heard).toBe('1')
    expect(one.read).toBe('')
    proxy.heal()
    await expect.poll(() => one.read).toBe('1')
    proxy.set({ toClient: 'drop' })
    one.socket.write('2')
    await expect.poll(() => heard).toBe('12')
    proxy.heal()
    one.socket.write('3')
    await expect.poll(() => one.read).toBe('13')
  })

  it('lets the effect happen and loses the reply to it, once', async () => {
    const one = await client()
    const lost = proxy.loseReplyAfter('COMMIT')
    one.socket.write('BEGIN;')
    await expect.poll(() => one.read).toBe('BEGIN;')
    one.socket.write('COM')
    await expect.poll(() => one.read).toBe('BEGIN;COM')
    one.socket.write('MIT;')
    await lost
    await expect.poll(() => one.error).toBe('ECONNRESET')
    expect(heard).toBe('BEGIN;COMMIT;')
    expect(one.read).toBe('BEGIN;COM')
    const two = await client()
    two.socket.write('COMMIT')
    await expect.poll(() => two.read).toBe('COMMIT')
  })

  it('slows down, and nothing is lost by it', async () => {
    proxy.set({ bytesPerSecond: 1000, delayMs: 1 })
    const one = await client()
    one.socket.write('x'.repeat(250))
    await expect.poll(() => one.read.length, { timeout: 10_000 }).toBeGreaterThan(0)
    expect(one.read.length).toBeLessThan(250)
    proxy.heal()
    await expect.poll(() => one.read.length, { timeout: 10_000 }).toBe(250)
  })

  it('shows a server that is away as a reset', async () => {
    const gone = await createTcpProxy({ target: { host: '127.0.0.1', port: proxy.port } })
    await proxy.close()
    const socket = connect(gone.port, gone.host)
    clients.push(socket)
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNRESET')
    await gone.close()
  })
})

it('a pattern is found across pieces, again and again', () => {
  const find = createPatternFinder(Buffer.from('abc'))
  expect(['xa', 'b', 'c', 'c', 'abcabc', 'ab', 'xabc'].map((piece) => find(Buffer.from(piece)))).toEqual([
    false,
    false,
    true,
    false,
    true,
    false,
    true,
  ])
  expect(() => createPatternFinder(new Uint8Array(0))).toThrow(TypeError)
})
