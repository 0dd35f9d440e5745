import { apiVersionsV1, apiVersionsV3, Connection, ResponseError } from '@platformatic/kafka'
import type { API } from '@platformatic/kafka'
import { KafkaError } from '../errors.ts'
import { codes } from './codes.ts'
import { connectionOptionsOf } from './options.ts'
import type { BrokerAddress, KafkaConnectionOptions } from './options.ts'

/** Versions a broker speaks, by API key. */
type Versions = ReadonlyMap<number, { readonly min: number; readonly max: number }>

/** An API of which a version is to be chosen. */
export interface Versioned {
  readonly key: number
  readonly version: number
}

/** One connection to one broker. Broken once is broken for ever: ask the cluster for another. */
export interface Link {
  readonly broker: string
  readonly broken: boolean
  readonly connection: Connection
  /**
   * Calls the newest of `apis` that the broker speaks. Error codes inside a reply are for the caller to look at.
   * @throws KafkaError KAFKA_UNAVAILABLE, KAFKA_AUTH_FAILED, KAFKA_TLS_FAILED, KAFKA_UNSUPPORTED
   */
  call<A extends unknown[], R>(apis: readonly API<A, R>[], ...args: A): Promise<R>
  /** The newest of `choices`, or undefined. */
  newest<T extends Versioned>(choices: readonly T[]): T | undefined
  /** Runs something on the raw connection with the same errors as `call`. */
  send<R>(run: (connection: Connection, done: (error: Error | null, reply?: R) => void) => void): Promise<R>
  close(): Promise<void>
}

/** Connects, authenticates and asks for versions. @throws KafkaError */
export async function openLink(address: BrokerAddress, options: KafkaConnectionOptions): Promise<Link> {
  const { host, port } = address
  const broker = `${host}:${port}`
  const secure = options.tls !== undefined && options.tls !== false
  const connection = new Connection(options.clientId ?? 'sluice', connectionOptionsOf(options, host))
  let broken = false
  let last: unknown
  const fail = (error?: unknown): void => {
    last ??= error
    broken = true
  }
  connection.on('error', fail)
  connection.on('close', () => fail())

  const explain = (error: unknown): KafkaError => explainFailure(broker, secure, error, last)

  async function send<R>(
    run: (connection: Connection, done: (error: Error | null, reply?: R) => void) => void,
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      run(connection, (error, reply) => {
        if (error === null) return resolve(reply as R)
        // A reply that holds an error code is still a reply.
        if (error instanceof ResponseError && 'response' in error) return resolve(error.response as R)
        broken = true
        void connection.close().catch(() => undefined) // already broken: the first error is the one to tell
        reject(explain(error))
      })
    })
  }

  try {
    await connection.connect(host, port)
  } catch (error) {
    throw explain(error)
  }
  const versions = await versionsOf(broker, send)

  function newest<T extends Versioned>(choices: readonly T[]): T | undefined {
    return choices
      .filter(({ key, version }) => {
        const range = versions.get(key)
        return range !== undefined && version >= range.min && version <= range.max
      })
      .sort((a, b) => b.version - a.version)[0]
  }

  return {
    broker,
    connection,
    get broken() {
      return broken
    },
    newest,
    send,
    async call<A extends unknown[], R>(apis: readonly API<A, R>[], ...args: A): Promise<R> {
      const api = newest(apis)
      if (api === undefined) {
        throw new KafkaError('KAFKA_UNSUPPORTED', `${broker}: no usable version of API ${apis[0]?.key ?? '?'}`)
      }
      return send<R>((on, done) => {
        const call = api as unknown as (connection: Connection, ...rest: unknown[]) => void
        call(on, ...args, done)
      })
    },
    async close() {
      broken = true
      await connection.close()
    },
  }
}

async function versionsOf(broker: string, send: Link['send']): Promise<Versions> {
  type Reply = { errorCode: number; apiKeys: { apiKey: number; minVersion: number; maxVersion: number }[] }
  const name = 'sluice'
  let reply = await send<Reply>((on, done) => apiVersionsV3.api(on, name, '1', done))
  if (reply.errorCode === codes.UNSUPPORTED_VERSION) {
    reply = await send<Reply>((on, done) => apiVersionsV1.api(on, name, '1', done))
  }
  if (reply.errorCode === codes.ILLEGAL_SASL_STATE) {
    throw new KafkaError('KAFKA_AUTH_FAILED', `${broker}: the broker did not accept the authentication (SASL)`)
  }
  if (reply.errorCode !== codes.NONE) {
    throw new KafkaError('KAFKA_UNAVAILABLE', `${broker}: no API versions: protocol error ${reply.errorCode}`)
  }
  return new Map(
    reply.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]),
  )
}

/** Names of `tls` and OpenSSL for "this is not who it should be", or "no TLS here". */
const tlsCodes = /^(ERR_SSL_|ERR_TLS_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(GET|VERIFY)_|EPROTO$|HOSTNAME_MISMATCH)/
const tlsTexts = /TLS handshake failed|requires TLS|TLS connection was established|certificate/i

function explainFailure(broker: string, secure: boolean, error: unknown, last: unknown): KafkaError {
  const chain = [...causesOf(error), ...causesOf(last)]
  if (chain.some((each) => codeOf(each) === 'PLT_KFK_AUTHENTICATION')) {
    return new KafkaError('KAFKA_AUTH_FAILED', `${broker}: the broker refuses the credentials (SASL)`, { cause: error })
  }
  const tls = chain.find((each) => tlsCodes.test(codeOf(each)) || tlsTexts.test(each.message))
  if (tls !== undefined) {
    const what = secure ? 'no trusted TLS connection' : 'the broker wants TLS'
    const text = `${broker}: ${what}: ${codeOf(tls)} ${tls.message.split('\n')[0]!.slice(0, 200)}`
    return new KafkaError('KAFKA_TLS_FAILED', text, { cause: error })
  }
  const deepest = chain.find((each) => /^E[A-Z]+$/.test(codeOf(each))) ?? chain[0]
  const why = deepest === undefined ? String(error) : `${codeOf(deepest)} ${deepest.message}`.slice(0, 200)
  return new KafkaError('KAFKA_UNAVAILABLE', `${broker} cannot be reached: ${why}`, { cause: error })
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function causesOf(error: unknown): Error[] {
  const found: Error[] = []
  for (let each = error; each instanceof Error && found.length < 8; each = each.cause) {
    found.push(each)
    if (each instanceof AggregateError) found.push(...each.errors.filter((inner) => inner instanceof Error))
  }
  return found
}
