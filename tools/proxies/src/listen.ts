import { once } from 'node:events'
import type { Server, Socket } from 'node:net'

/** Sockets of a server, so that all of them can be ended at once. */
export interface Connections {
  readonly sockets: ReadonlySet<Socket>
  /** Listens on this port of 127.0.0.1 (0 for a free one) and gives the port. */
  listen(port: number): Promise<number>
  /** Ends every connection and the listening; safe to call twice. */
  close(): Promise<void>
}

export function trackConnections(server: Server): Connections {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return {
    sockets,
    async listen(port) {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('the proxy listens on no port')
      return address.port
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : Promise.resolve()
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
