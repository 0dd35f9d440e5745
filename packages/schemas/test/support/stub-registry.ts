import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createHttps, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface StubCall {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

/** What the stub does with a call; `true` leaves it to the well-behaved registry. */
export type StubMode = (call: StubCall, response: ServerResponse, request: IncomingMessage) => true | void

export interface StubRegistry {
  readonly url: string
  readonly port: number
  readonly calls: StubCall[]
  /** Schema text by id, with the subjects it is under. */
  readonly schemas: Map<number, { schema: string; subjects: string[]; extra?: Record<string, unknown> }>
  mode: StubMode
  close(): Promise<void>
}

/** A server in the words of a registry, which can be told to misbehave. */
export async function startStubRegistry(tls?: ServerOptions): Promise<StubRegistry> {
  const calls: StubCall[] = []
  const schemas: StubRegistry['schemas'] = new Map()
  const state: { mode: StubMode } = { mode: () => true }

  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const call: StubCall = {
        method: request.method ?? '',
        path: request.url ?? '',
        authorization: request.headers.authorization,
        body: Buffer.concat(chunks).toString('utf8'),
      }
      calls.push(call)
      if (state.mode(call, response, request) === true) behave(call, response)
    })
  }

  const behave = (call: StubCall, response: ServerResponse): void => {
    const id = Number(/^\/schemas\/ids\/(\d+)/.exec(call.path)?.[1])
    const entry = schemas.get(id)
    if (Number.isNaN(id)) return reply(response, 404, { error_code: 404, message: 'HTTP 404 Not Found' })
    if (entry === undefined) return reply(response, 404, { error_code: 40403, message: `Schema ${id} not found` })
    if (call.path.includes('/versions')) {
      return reply(
        response,
        200,
        entry.subjects.map((subject) => ({ subject, version: 1 })),
      )
    }
    reply(response, 200, { schema: entry.schema, ...entry.extra })
  }

  const server = tls === undefined ? createHttp(listener) : createHttps(tls, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'http' : 'https'}://localhost:${port}`,
    port,
    calls,
    schemas,
    get mode() {
      return state.mode
    },
    set mode(mode) {
      state.mode = mode
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function reply(
  response: ServerResponse,
  status: number,
  json: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json', ...headers })
  response.end(typeof json === 'string' ? json : JSON.stringify(json))
}
