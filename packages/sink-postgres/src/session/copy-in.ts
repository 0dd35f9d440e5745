import type { Connection, Submittable } from 'pg'

/** The few members of pg's connection that COPY needs. */
interface CopyConnection {
  readonly stream: {
    write(bytes: Uint8Array, written?: () => void): boolean
    once(event: 'close', listener: () => void): unknown
    off(event: 'close', listener: () => void): unknown
  }
  query(text: string): void
  endCopyFrom(): void
}

/** Bytes per CopyData message. */
const messageBytes = 256 * 1024

/**
 * A query for pg's queue that answers CopyInResponse with the given bytes, at the pace of the socket. It settles on every
 * way out: completion, an error of the server at any time, loss of the connection.
 */
export function copyInQuery(
  text: string,
  chunks: Iterable<Uint8Array>,
): { readonly query: Submittable; readonly done: Promise<void> } {
  const { promise: done, resolve, reject } = Promise.withResolvers<undefined>()
  let failure: Error | undefined
  let over = false

  async function send(connection: CopyConnection): Promise<void> {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += messageBytes) {
        // The server may refuse in the middle; it ignores what follows, but there is no point in sending it.
        if (over) return
        const part = chunk.subarray(at, at + messageBytes)
        const head = new Uint8Array(5)
        head[0] = 0x64 // CopyData
        new DataView(head.buffer).setInt32(1, part.length + 4)
        connection.stream.write(head)
        await written(connection, part)
      }
    }
    if (!over) connection.endCopyFrom()
  }

  /** Resolves when the bytes are with the system, or nobody will ever want them. */
  function written({ stream }: CopyConnection, part: Uint8Array): Promise<void> {
    return new Promise((go) => {
      const next = (): void => {
        stream.off('close', next)
        go()
      }
      stream.once('close', next)
      stream.write(part, next)
      // An answer that is an error ends the wait, too.
      done.then(next, next)
    })
  }

  function end(error?: Error): void {
    over = true
    if (error === undefined) resolve(undefined)
    else reject(error)
  }

  const query = {
    submit(connection: Connection) {
      const copy = connection as unknown as CopyConnection
      copy.query(text)
    },
    handleCopyInResponse(connection: Connection) {
      send(connection as unknown as CopyConnection).catch(end)
    },
    handleError(error: Error) {
      failure ??= error
      over = true
      // On a lost connection nothing follows; on a refusal ReadyForQuery does, and changes nothing.
      end(failure)
    },
    handleReadyForQuery() {
      end(failure)
    },
    handleCommandComplete: () => undefined,
    handleRowDescription: () => undefined,
    handleDataRow: () => undefined,
    handleEmptyQuery: () => undefined,
    handlePortalSuspended: () => undefined,
    callback: () => undefined,
  }
  return { query, done }
}
