import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/**
 * What becomes of one Produce request: `refuse` never reaches the broker; `take` is written; `lose` is written, and the
 * connection cut instead of an answer; `keep` is written, and the answer never comes.
 */
export type ProduceFate =
  { readonly kind: 'pass' | 'lose' | 'keep' } | { readonly kind: 'refuse' | 'take'; readonly code: number }

/** Stands before a broker, speaks as if it were that broker, and answers Produce requests as a test says. */
export interface KafkaFront {
  readonly brokers: readonly string[]
  /** Produce requests so far. */
  readonly produced: number
  /** Fates of the next requests; those beyond get the last one. */
  decide(...fates: ProduceFate[]): void
  close(): Promise<void>
}

const produce = 0
const metadata = 3

export async function createKafkaFront(broker: string): Promise<KafkaFront> {
  const [host, port] = broker.split(':') as [string, string]
  const sockets = new Set<Socket>()
  let fates: readonly ProduceFate[] = [{ kind: 'pass' }]
  let produced = 0
  let ownPort = 0

  function nextFate(): ProduceFate {
    produced += 1
    const [fate, ...later] = fates
    if (later.length > 0) fates = later
    return fate!
  }

  const server = createServer((client) => {
    const behind = connect(Number(port), host)
    const asked = new Map<number, { readonly key: number; readonly version: number; readonly fate: ProduceFate }>()
    const end = (): void => {
      client.destroy()
      behind.destroy()
    }
    for (const socket of [client, behind]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    eachFrame(client, (frame) => {
      const [key, version, correlation] = [frame.readInt16BE(4), frame.readInt16BE(6), frame.readInt32BE(8)]
      const fate: ProduceFate = key === produce ? nextFate() : { kind: 'pass' }
      if (fate.kind === 'refuse') return client.write(refusal(correlation, version, fate.code))
      asked.set(correlation, { key, version, fate })
      return behind.write(frame)
    })
    eachFrame(behind, (frame) => {
      const correlation = frame.readInt32BE(4)
      const { key, version, fate } = asked.get(correlation)!
      asked.delete(correlation)
      if (fate.kind === 'lose') return end()
      if (fate.kind === 'keep') return undefined
      if (fate.kind === 'take') return client.write(refusal(correlation, version, fate.code))
      return client.write(key === metadata ? readdressed(frame, host, Number(port), ownPort) : frame)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ownPort = (server.address() as AddressInfo).port

  return {
    brokers: [`127.0.0.1:${ownPort}`],
    get produced() {
      return produced
    },
    decide: (...next) => (fates = next),
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Calls back with each whole message, its length included. */
function eachFrame(socket: Socket, take: (frame: Buffer) => unknown): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const size = 4 + rest.readInt32BE(0)
      const frame = rest.subarray(0, size)
      rest = rest.subarray(size)
      take(frame)
    }
  })
}

/** Where the broker says that it listens, it now says that the front does: host and port follow each other in every version. */
function readdressed(frame: Buffer, host: string, from: number, to: number): Buffer {
  const said = Buffer.concat([Buffer.from(host), int32(from)])
  const at = frame.indexOf(said)
  if (at < 0) throw new Error(`the metadata does not name ${host}:${from}`)
  const changed = Buffer.from(frame)
  changed.writeInt32BE(to, at + said.length - 4)
  return changed
}

/** The answer to a Produce request of version 9 to 11, about one partition. */
function refusal(correlation: number, version: number, code: number): Buffer {
  if (version < 9 || version > 11) throw new Error(`Produce of version ${version} is not spoken here`)
  const [one, none, end] = [[2], [1], [0]]
  const partition = [...int32(0), ...int16(code), ...int64(-1n), ...int64(-1n), ...int64(-1n), ...none, 0, ...end]
  const topic = [...none, ...one, ...partition, ...end]
  const body = Buffer.from([...int32(correlation), ...end, ...one, ...topic, ...int32(0), ...end])
  return Buffer.concat([int32(body.length), body])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
