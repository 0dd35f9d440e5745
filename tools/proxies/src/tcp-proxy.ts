import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { trackConnections } from './listen.ts'
import { createPatternFinder } from './pattern.ts'

/** How connections behave; a change holds for those that are open, too, from their next bytes on. */
export interface TcpBehaviour {
  /** New connections: `forward` (default), `reset` at once, or `hang`: taken, and nothing passes either way. */
  readonly accept: 'forward' | 'reset' | 'hang'
  /** Bytes of the client: `forward` (default), or `hold` until it is `forward` again: half-open. */
  readonly toServer: 'forward' | 'hold'
  /** Bytes of the server: `forward` (default), `hold`, or `drop` for good. */
  readonly toClient: 'forward' | 'hold' | 'drop'
  /** Each piece of either way waits so long, ms. Default 0. */
  readonly delayMs: number
  /** Each way of each connection passes about so many bytes a second. Default 0: as fast as it goes. */
  readonly bytesPerSecond: number
}

export interface TcpProxy {
  readonly host: '127.0.0.1'
  readonly port: number
  /** Connections that are open now. */
  connections(): number
  set(behaviour: Partial<TcpBehaviour>): void
  /** Back to forwarding everything. */
  heal(): void
  /** Resets (RST) every connection that is open. New ones are taken. */
  resetAll(): void
  /**
   * Lets the client say `pattern`, waits for the answer, keeps it, and resets that connection: the effect happened and the client cannot
   * know. `times` connections lose their answer so (default 1).
   * @returns resolves when that has happened `times` times
   */
  loseReplyAfter(pattern: string | Uint8Array, times?: number): Promise<void>
  close(): Promise<void>
}

interface Loss {
  readonly pattern: Uint8Array
  left: number
  readonly done: () => void
}

const healthy: TcpBehaviour = {
  accept: 'forward',
  toServer: 'forward',
  toClient: 'forward',
  delayMs: 0,
  bytesPerSecond: 0,
}

/** Stands between a client and `target` and breaks what passes, on request. Knows no protocol. */
export async function createTcpProxy(options: {
  readonly target: { readonly host: string; readonly port: number }
  /** Where to listen at 127.0.0.1. Default a free port. */
  readonly port?: number
}): Promise<TcpProxy> {
  let behaviour = healthy
  let changed = Promise.withResolvers<void>()
  const losses: Loss[] = []
  /** Both ends of each connection. */
  const pairs = new Set<readonly [Socket, Socket | undefined]>()

  function set(change: Partial<TcpBehaviour>): void {
    behaviour = { ...behaviour, ...change }
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }

  /** Passes bytes on as `behaviour` says at that moment; backpressure goes through. */
  async function pass(from: Socket, to: Socket, way: 'toServer' | 'toClient', see: (chunk: Buffer) => boolean) {
    for await (const whole of from as AsyncIterable<Buffer>) {
      for (let at = 0; at < whole.length;) {
        const rate = behaviour.bytesPerSecond
        const size = rate > 0 ? Math.max(1, Math.floor(rate / 10)) : whole.length
        const chunk = whole.subarray(at, at + size)
        at += chunk.length
        if (rate > 0) await sleep(100)
        if (behaviour.delayMs > 0) await sleep(behaviour.delayMs)
        while (behaviour[way] === 'hold') {
          if (from.destroyed || to.destroyed) return
          await Promise.race([changed.promise, gone(from), gone(to)])
        }
        if (behaviour[way] === 'drop' || !see(chunk) || to.destroyed) continue
        if (!to.write(chunk)) await Promise.race([drained(to), gone(to)])
      }
    }
    to.end()
  }

  function forward(client: Socket): void {
    const server = connect(options.target)
    server.setNoDelay(true)
    const pair = [client, server] as const
    pairs.add(pair)
    const finders = new Map<Loss, (chunk: Uint8Array) => boolean>()
    let losing: Loss | undefined
    const fromClient = (chunk: Buffer) => {
      for (const loss of losses) {
        if (loss.left <= 0) continue
        let find = finders.get(loss)
        if (find === undefined) finders.set(loss, (find = createPatternFinder(loss.pattern)))
        if (find(chunk) && losing === undefined) {
          loss.left--
          losing = loss
        }
      }
      return true
    }
    const fromServer = () => {
      if (losing === undefined) return true
      const { left, done } = losing
      reset(pair)
      if (left === 0) done()
      return false
    }
    const end = () => {
      pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    // Either end may go at any time: that is what the proxy is for. The other one is told by the reset.
    client.on('error', () => resetSocket(server))
    server.on('error', () => resetSocket(client))
    void Promise.allSettled([
      pass(client, server, 'toServer', fromClient),
      pass(server, client, 'toClient', fromServer),
    ]).then(end)
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on('error', () => client.destroy())
    if (behaviour.accept === 'reset') return void resetSocket(client)
    if (behaviour.accept === 'forward') return forward(client)
    const pair = [client, undefined] as const
    pairs.add(pair)
    client.resume()
    client.once('close', () => pairs.delete(pair))
  })
  const connections = trackConnections(server)
  const port = await connections.listen(options.port ?? 0)

  return {
    host: '127.0.0.1',
    port,
    connections: () => pairs.size,
    set,
    heal: () => set(healthy),
    resetAll: () => {
      for (const pair of pairs) reset(pair)
    },
    loseReplyAfter(pattern, times = 1) {
      const { promise, resolve } = Promise.withResolvers<void>()
      losses.push({ pattern: typeof pattern === 'string' ? Buffer.from(pattern) : pattern, left: times, done: resolve })
      return promise
    },
    async close() {
      for (const pair of pairs) reset(pair)
      await connections.close()
    },
  }
}

function reset(pair: readonly [Socket, Socket | undefined]): void {
  for (const socket of pair) if (socket !== undefined) resetSocket(socket)
}

/** RST instead of FIN, where the socket is still connected. */
function resetSocket(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}

const drained = (socket: Socket) => new Promise<void>((done) => socket.once('drain', done))
const gone = (socket: Socket) =>
  new Promise<void>((done) => (socket.destroyed ? done() : socket.once('close', () => done())))
