import { createServer, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { trackConnections } from './listen.ts'
import { paced } from './paced.ts'

/** What happens to a request. */
export type HttpFault =
  /** Answered here; the server never hears of it. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly body?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  /** The server does it and answers; the client gets a reset. */
  | { readonly kind: 'lose-reply' }
  /** The client gets a reset; the server never hears of it. */
  | { readonly kind: 'drop' }
  /** Nobody answers. The server never hears of it. */
  | { readonly kind: 'hang' }
  /** The server does it; the client reads something else. */
  | {
      readonly kind: 'replace-reply'
      readonly status?: number
      readonly body: string
      readonly headers?: Readonly<Record<string, string>>
    }
  /** The server gets the first bytes only, and a length that fits them. */
  | { readonly kind: 'cut-request'; readonly bytes: number }
  /** The client gets the first bytes of a reply that promised more. */
  | { readonly kind: 'cut-reply'; readonly bytes: number }
  /** Bytes of the request are changed on the way: the first one is flipped. */
  | { readonly kind: 'spoil-request' }
  /** Bytes of the reply are changed on the way: the first one is flipped. */
  | { readonly kind: 'spoil-reply' }
  /** The request waits so long, ms. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The request is read at about this rate. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** The server gets the request without this parameter of the query. */
  | { readonly kind: 'change-query'; readonly remove: string }
  /** The server gets the request with other headers; undefined takes one away. */
  | { readonly kind: 'change-headers'; readonly headers: Readonly<Record<string, string | undefined>> }

export interface SeenRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

export interface HttpRule {
  readonly when?: (request: SeenRequest) => boolean
  /** How often it strikes at most. Default always. */
  readonly times?: number
  /** The share of matching requests that it strikes, from a seeded sequence. Default all. */
  readonly share?: number
  readonly fault: HttpFault
  /** Called when it strikes, before anything is done. */
  readonly onStrike?: (request: SeenRequest) => void
}

export interface HttpProxy {
  readonly url: string
  readonly port: number
  /** Adds a rule; the first that matches a request strikes. @returns takes it away again */
  rule(rule: HttpRule): () => void
  /** Takes all rules away. */
  heal(): void
  /** Every request so far: what was asked, the fault that struck, and the status the server gave (undefined when it was not asked). */
  readonly log: readonly {
    readonly method: string
    readonly path: string
    fault?: HttpFault['kind']
    status?: number
  }[]
  close(): Promise<void>
}

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/**
 * Stands between an HTTP client and `target` and breaks what passes, by rules. Headers go through as they are, Host included, so that signatures
 * hold; a `Location` that names the target is made to name the proxy. Bodies are held in memory.
 */
export async function createHttpProxy(options: {
  readonly target: string
  /** For `share`. Default 1. */
  readonly seed?: number
}): Promise<HttpProxy> {
  const target = new URL(options.target)
  const random = seeded(options.seed ?? 1)
  const rules: { readonly rule: HttpRule; left: number }[] = []
  const log: HttpProxy['log'][number][] = []
  let url = ''

  function faultFor(seen: SeenRequest): HttpFault | undefined {
    for (const entry of rules) {
      const { rule } = entry
      if (entry.left <= 0 || rule.when?.(seen) === false) continue
      if (rule.share !== undefined && random() >= rule.share) continue
      entry.left--
      rule.onStrike?.(seen)
      return rule.fault
    }
    return undefined
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen: SeenRequest = { method: request.method ?? 'GET', path: request.url ?? '/', headers: request.headers }
    const fault = faultFor(seen)
    const entry: HttpProxy['log'][number] = {
      method: seen.method,
      path: seen.path,
      ...(fault && { fault: fault.kind }),
    }
    log.push(entry)
    if (fault?.kind === 'drop') return void request.socket.resetAndDestroy()
    const chunks: Buffer[] = []
    const rate = fault?.kind === 'throttle' ? fault.bytesPerSecond : undefined
    for await (const chunk of paced(request as AsyncIterable<Buffer>, rate)) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'answer') return send(response, seen.method, { ...fault, body: Buffer.from(fault.body ?? '') })
    if (fault?.kind === 'delay') await sleep(fault.ms)
    if (request.socket.destroyed) return
    const sent = fault?.kind === 'cut-request' ? body.subarray(0, fault.bytes) : body
    if (fault?.kind === 'spoil-request') flip(sent)
    const reply = await ask(target, seen, pathFor(seen, fault), changed(request.headers, fault), sent)
    entry.status = reply.status
    if (fault?.kind === 'lose-reply') return void request.socket.resetAndDestroy()
    if (fault?.kind === 'replace-reply') {
      const { status = reply.status, headers = {} } = fault
      return send(response, seen.method, { status, headers, body: Buffer.from(fault.body) })
    }
    if (fault?.kind === 'spoil-reply') flip(reply.body)
    const headers = { ...reply.headers }
    if (headers.location?.startsWith(target.origin))
      headers.location = `${url}${headers.location.slice(target.origin.length)}`
    if (fault?.kind === 'cut-reply') {
      response.writeHead(reply.status, { ...headers, 'content-length': String(reply.body.length) })
      response.write(reply.body.subarray(0, fault.bytes), () => request.socket.resetAndDestroy())
      return
    }
    send(response, seen.method, { status: reply.status, headers, body: reply.body })
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => {
      // The client or the server went away in the middle: the other side sees a connection that ends, as it would without us.
      request.socket.destroy()
    })
  })
  const connections = trackConnections(server)
  const port = await connections.listen(0)
  url = `http://127.0.0.1:${port}`

  return {
    url,
    port,
    log,
    rule(rule) {
      const entry = { rule, left: rule.times ?? Infinity }
      rules.push(entry)
      return () => {
        const at = rules.indexOf(entry)
        if (at >= 0) rules.splice(at, 1)
      }
    },
    heal() {
      rules.length = 0
    },
    close: () => connections.close(),
  }
}

/** Headers that speak of one connection, or that we say ourselves. */
const hopHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'expect', 'content-length', 'upgrade'])

function pathFor(seen: SeenRequest, fault: HttpFault | undefined): string {
  if (fault?.kind !== 'change-query') return seen.path
  const [path, query = ''] = seen.path.split('?', 2)
  return `${path}?${query
    .split('&')
    .filter((each) => !each.startsWith(`${fault.remove}=`))
    .join('&')}`
}

function changed(headers: IncomingHttpHeaders, fault: HttpFault | undefined): Record<string, string | string[]> {
  const all = { ...headers, ...(fault?.kind === 'change-headers' && fault.headers) }
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) =>
      value === undefined || hopHeaders.has(name) ? [] : [[name, value] as const],
    ),
  )
}

function ask(
  target: URL,
  seen: SeenRequest,
  path: string,
  headers: Record<string, string | string[]>,
  body: Buffer,
): Promise<Reply> {
  return new Promise((done, failed) => {
    const hasBody = body.length > 0 || seen.headers['content-length'] !== undefined || seen.method === 'POST'
    const forwarded = httpRequest({
      host: target.hostname,
      port: target.port,
      method: seen.method,
      path,
      headers: hasBody ? { ...headers, 'content-length': String(body.length) } : headers,
      setHost: false,
      agent: false,
    })
    forwarded.once('error', failed)
    forwarded.once('response', (reply) => {
      const chunks: Buffer[] = []
      reply.on('data', (chunk: Buffer) => chunks.push(chunk))
      reply.once('error', failed)
      reply.once('end', () =>
        done({ status: reply.statusCode ?? 502, headers: reply.headers, body: Buffer.concat(chunks) }),
      )
    })
    forwarded.end(body)
  })
}

function send(
  response: ServerResponse,
  method: string,
  reply: { readonly status: number; readonly headers?: Readonly<Record<string, unknown>>; readonly body: Buffer },
): void {
  const kept = Object.entries(reply.headers ?? {}).filter(
    // The length in the reply to a HEAD is that of the object, not of this body.
    ([name]) => !hopHeaders.has(name) || (method === 'HEAD' && name === 'content-length'),
  )
  // Said outright: some clients refuse a body in chunks where the service always names a length.
  const sized = method === 'HEAD' || [204, 304].includes(reply.status) ? [] : [['content-length', reply.body.length]]
  response.writeHead(reply.status, Object.fromEntries([...kept, ...sized]) as Record<string, string>)
  response.end(reply.body)
}

function flip(bytes: Buffer): void {
  if (bytes.length > 0) bytes[0] = bytes[0]! ^ 0xff
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
