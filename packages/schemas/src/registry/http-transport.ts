import { Agent as HttpAgent, request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { SchemaError } from '../errors.ts'
import { orAborted } from './or-aborted.ts'
import { createAuthorize, type RegistryAuth } from './http-auth.ts'
import { guardedLookup, parseRegistryUrl } from './registry-url.ts'

export interface TransportOptions {
  /**
   * Address up to and with the path of the API: `https://registry.example`, or `.../apis/ccompat/v7` of Apicurio. A user
   * and password in it are taken for basic authentication.
   */
  readonly url: string
  readonly auth?: RegistryAuth
  /** Whether a password or token may go over http to another machine. Default false. */
  readonly allowPlainAuth?: boolean
  /** Certificate authorities to trust instead of Node's, PEM text; not a file name. */
  readonly ca?: string | readonly string[]
  /** Client certificate and key, PEM text. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string }
  /** When given, the host of the URL must be one of these; for URLs that come from elsewhere. */
  readonly allowedHosts?: readonly string[]
  /** From the start of one attempt to the last byte of its answer, ms. Default 5,000. */
  readonly timeoutMs?: number
  /** All attempts of one call and the pauses between them, ms. Default 30,000. */
  readonly deadlineMs?: number
  /** Attempts of one call at most. Default 4. */
  readonly attempts?: number
  /** Longest pause before the second attempt, ms; doubled for each further one, up to 5 s. Default 100. */
  readonly backOffMs?: number
  /** Largest answer, bytes. Default 4 MiB. */
  readonly maxResponseBytes?: number
  /** Connections at most. Default 8. */
  readonly connections?: number
}

/** An answer of the registry itself, never of something in between. */
export interface RegistryAnswer {
  readonly status: number
  /** The registry's own code, such as 40403; 0 for a success. */
  readonly errorCode: number
  readonly json: unknown
}

export interface Transport {
  /** Safe in messages. */
  readonly shown: string
  /** @throws {SchemaError} REGISTRY_UNAVAILABLE, REGISTRY_DENIED */
  call(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, signal?: AbortSignal): Promise<RegistryAnswer>
  /** Closes idle connections. */
  close(): void
}

interface RawAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** One attempt that has no answer of the registry. */
class AttemptError extends Error {
  /** Whether another attempt may help; with the pause the server asked for, ms. */
  readonly again: boolean
  readonly pauseMs: number

  constructor(message: string, again: boolean, details: { pauseMs?: number; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.again = again
    this.pauseMs = details.pauseMs ?? 0
  }
}

const maxPauseMs = 5_000
const maxRedirects = 3

/**
 * HTTP as a registry client needs it: every attempt bounded in time and bytes; failures that pass are tried again with
 * jittered pauses, as all calls of the API may be repeated; redirects only to the same origin, so that no other host sees
 * credentials or answers in the registry's name (fault 42). What is not JSON of the registry is an outage, whatever its
 * status: a proxy's error page says nothing about an id.
 */
export function createTransport(options: TransportOptions): Transport {
  const { timeoutMs = 5_000, deadlineMs = 30_000, attempts = 4, backOffMs = 100 } = options
  const { maxResponseBytes = 4 * 1024 * 1024, connections = 8, allowPlainAuth = false } = options
  const url = parseRegistryUrl(options.url, options.allowedHosts)
  if (options.auth !== undefined && url.user !== undefined) throw new TypeError('give either auth or a user in the URL')
  const auth: RegistryAuth | undefined =
    options.auth ?? (url.user && { kind: 'basic', username: url.user.name, password: url.user.password })
  if (auth !== undefined && !url.secure && !url.loopback && !allowPlainAuth) {
    throw new TypeError(
      `${url.shown} would get credentials over plain http: use https, or set allowPlainAuth if the network is yours`,
    )
  }
  const authorize = createAuthorize(auth)
  const { ca, clientCertificate } = options
  const agent = url.secure
    ? new HttpsAgent({
        keepAlive: true,
        maxSockets: connections,
        // Also where the environment says otherwise (NODE_TLS_REJECT_UNAUTHORIZED).
        rejectUnauthorized: true,
        ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
        ...clientCertificate,
      })
    : new HttpAgent({ keepAlive: true, maxSockets: connections })
  const send = url.secure ? requestHttps : requestHttp

  function exchange(
    method: string,
    to: URL,
    body: string | undefined,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const request: RequestOptions = {
        method,
        agent,
        signal,
        lookup: guardedLookup,
        headers: {
          accept: 'application/vnd.schemaregistry.v1+json, application/json',
          'accept-encoding': 'identity',
          ...(body === undefined ? {} : { 'content-type': 'application/vnd.schemaregistry.v1+json' }),
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
          ...(authorization === undefined ? {} : { authorization }),
        },
      }
      const outgoing = send(to, request, (answer) => {
        collect(answer, maxResponseBytes).then(
          (text) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }),
          (error: unknown) => {
            answer.destroy()
            reject(error as Error)
          },
        )
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  async function credentials(signal: AbortSignal): Promise<string | undefined> {
    try {
      return await orAborted(authorize(), signal)
    } catch (cause) {
      signal.throwIfAborted()
      throw new SchemaError('REGISTRY_DENIED', `${url.shown}: no usable password or token could be had`, { cause })
    }
  }

  async function attempt(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body: string | undefined,
    outer: AbortSignal,
    denials: { count: number },
  ): Promise<RegistryAnswer> {
    const late = AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([outer, late])
    let to = url.resolve(path)
    for (let redirects = 0; ; redirects++) {
      let raw: RawAnswer
      try {
        raw = await exchange(method, to, body, await credentials(signal), signal)
      } catch (error) {
        outer.throwIfAborted()
        if (late.aborted) throw new AttemptError(`no answer in ${timeoutMs} ms`, true, { cause: error })
        if (error instanceof AttemptError || error instanceof SchemaError) throw error
        throw connectionError(error)
      }
      if (raw.status >= 300 && raw.status < 400) {
        to = redirected(raw, to, method, redirects)
        continue
      }
      if (raw.status === 401 || raw.status === 403) {
        denials.count += 1
        const renewable = raw.status === 401 && auth?.kind === 'bearer' && typeof auth.token === 'function'
        if (renewable && denials.count === 1) throw new AttemptError('the token was refused', true)
        const who = auth === undefined ? 'asks for credentials' : 'refuses these credentials'
        throw new SchemaError('REGISTRY_DENIED', `${url.shown} ${who} (status ${raw.status})`)
      }
      return understand(raw)
    }
  }

  return {
    shown: url.shown,
    async call(method, path, json, caller) {
      const body = json === undefined ? undefined : JSON.stringify(json)
      const deadline = AbortSignal.timeout(deadlineMs)
      const end = performance.now() + deadlineMs
      const outer = caller === undefined ? deadline : AbortSignal.any([caller, deadline])
      const denials = { count: 0 }
      let last: unknown
      for (let n = 1; ; n++) {
        try {
          caller?.throwIfAborted()
          return await attempt(method, path, body, outer, denials)
        } catch (error) {
          caller?.throwIfAborted()
          if (!(error instanceof AttemptError) && !deadline.aborted) throw error
          last = error instanceof AttemptError ? error : (last ?? error)
          // Full jitter: callers that failed together do not come back together.
          const pause = Math.max(
            error instanceof AttemptError ? error.pauseMs : 0,
            Math.random() * Math.min(backOffMs * 2 ** (n - 1), maxPauseMs),
          )
          const again = error instanceof AttemptError && error.again && n < attempts
          if (!again || deadline.aborted || performance.now() + pause >= end) {
            const reason = last instanceof AttemptError ? last.message : `no answer in ${deadlineMs} ms`
            const tries = n === 1 ? '' : ` (attempt ${n})`
            throw new SchemaError('REGISTRY_UNAVAILABLE', `${url.shown}: ${reason}${tries}`, { cause: last })
          }
          await sleep(pause, undefined, { signal: outer }).catch(() => caller?.throwIfAborted())
        }
      }
    },
    close() {
      agent.destroy()
    },
  }
}

/** The whole body as text, or an error as soon as it is too long, cut short or not UTF-8. */
async function collect(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const encoding = answer.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw new AttemptError(`an answer encoded as ${printable(encoding)}, unasked for`, true)
  const tooLarge = (): AttemptError => new AttemptError(`an answer of more than ${maxBytes} bytes`, false)
  if (Number(answer.headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new AttemptError('an answer that is not UTF-8', true, { cause })
  }
}

/** Codes of a server that cannot prove who it is: trying again does not help, and nothing is sent without proof. */
const distrust = /CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO_|ERR_SSL|EPROTO/

function connectionError(error: unknown): AttemptError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const text = code === '' ? 'the connection failed' : code
  if (code === 'ELINKLOCAL') return new AttemptError((error as Error).message, false, { cause: error })
  if (!distrust.test(code)) return new AttemptError(`the connection failed: ${text}`, true, { cause: error })
  return new AttemptError(`its TLS certificate or protocol is not accepted: ${text}`, false, { cause: error })
}

function redirected(raw: RawAnswer, from: URL, method: string, before: number): URL {
  const location = raw.headers.location
  const target = location === undefined ? null : URL.parse(location, from.href)
  if (target === null) throw new AttemptError(`status ${raw.status} without a place to go to`, false)
  if (target.origin !== from.origin) {
    throw new AttemptError(`a redirect to another host, ${target.host}, is not followed; correct the URL`, false)
  }
  if (method !== 'GET') throw new AttemptError(`a redirect of ${method} is not followed; correct the URL`, false)
  if (before >= maxRedirects) throw new AttemptError(`more than ${maxRedirects} redirects`, false)
  return target
}

function understand(raw: RawAnswer): RegistryAnswer {
  const { status } = raw
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    throw new AttemptError(`status ${status}`, true, { pauseMs: retryAfterMs(raw.headers['retry-after']) })
  }
  let json: unknown
  try {
    json = JSON.parse(raw.text)
  } catch (cause) {
    const type = printable(raw.headers['content-type'] ?? 'no content type')
    throw new AttemptError(`status ${status} with ${type} instead of JSON`, true, { cause })
  }
  if (status >= 200 && status < 300) return { status, errorCode: 0, json }
  const code = typeof json === 'object' && json !== null && 'error_code' in json ? json.error_code : undefined
  if (typeof code !== 'number') throw new AttemptError(`status ${status}, not in the words of a registry`, true)
  return { status, errorCode: code, json }
}

/** Seconds or a date; what is neither, or in the past, is no pause. */
function retryAfterMs(value: string | undefined): number {
  if (value === undefined) return 0
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? ms : 0
}

/** A header of a stranger, made safe for a log line. */
function printable(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, 80)
}
