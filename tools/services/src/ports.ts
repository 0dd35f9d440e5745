import { createServer } from 'node:net'

/**
 * Ports that nobody listens on at 127.0.0.1 now, all different. Another process may still take one before its user does;
 * whoever starts a service on them must be ready to choose again.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((done, failed) => {
            server.once('error', failed)
            server.listen(0, '127.0.0.1', () => {
              const address = server.address()
              if (address === null || typeof address === 'string') failed(new Error('no port'))
              else done(address.port)
            })
          }),
      ),
    )
  } finally {
    await Promise.all(
      servers.map((server) => new Promise<void>((done) => (server.listening ? server.close(() => done()) : done()))),
    )
  }
}
