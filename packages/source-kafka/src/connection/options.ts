import { isIP } from 'node:net'
import type { ConnectionOptions, SASLOptions } from '@platformatic/kafka'
import { KafkaError } from '../errors.ts'

/** A text that must not be printed: a plain string, or an object such as `Secret` of `@sluice/runtime`. */
export type SecretText = string | { reveal(): string }

/** Certificates are checked always: there is no switch to trust anybody. PEM texts or their bytes. */
export interface KafkaTls {
  /** Default: the CAs that Node trusts. */
  readonly ca?: string | Uint8Array
  /** Certificate and key of this client (mutual TLS). */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  readonly passphrase?: SecretText
  /** Name the broker's certificate must have; default the host connected to. */
  readonly serverName?: string
}

export type KafkaSasl =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: SecretText
    }
  | {
      readonly mechanism: 'OAUTHBEARER'
      /** Asked for each connection and each re-authentication. */
      readonly token: () => SecretText | Promise<SecretText>
      readonly extensions?: Readonly<Record<string, string>>
    }

export interface KafkaConnectionOptions {
  /** `host:port`, any of them. */
  readonly brokers: readonly string[]
  /** Default `sluice`. */
  readonly clientId?: string
  /** `true`: TLS with Node's CAs. Default: no TLS. */
  readonly tls?: KafkaTls | boolean
  readonly sasl?: KafkaSasl
  /** Default 5000. */
  readonly connectTimeoutMs?: number
  /** Default 30,000. */
  readonly requestTimeoutMs?: number
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

export function reveal(text: SecretText): string {
  return typeof text === 'string' ? text : text.reveal()
}

/** @throws KafkaError KAFKA_OPTIONS_INVALID */
export function parseBrokers(brokers: readonly string[]): BrokerAddress[] {
  const addresses = brokers.map((broker) => {
    const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(broker)
    const port = Number(match?.[3])
    if (match === null || port < 1 || port > 65_535) {
      throw new KafkaError('KAFKA_OPTIONS_INVALID', `brokers: ${JSON.stringify(broker)} should be host:port`)
    }
    return { host: (match[1] ?? match[2])!, port }
  })
  if (addresses.length === 0) throw new KafkaError('KAFKA_OPTIONS_INVALID', 'brokers: name at least one host:port')
  return addresses
}

/** Our options in the words of `Connection`. @throws KafkaError KAFKA_OPTIONS_INVALID */
export function connectionOptionsOf(options: KafkaConnectionOptions, host: string): ConnectionOptions {
  const { tls, sasl, connectTimeoutMs = 5000, requestTimeoutMs = 30_000 } = options
  return {
    connectTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    maxInflights: 16,
    ...(tls !== undefined && tls !== false && tlsOf(tls === true ? {} : tls, host)),
    ...(sasl !== undefined && { sasl: saslOf(sasl) }),
  }
}

function tlsOf(tls: KafkaTls, host: string): Pick<ConnectionOptions, 'tls' | 'tlsServerName'> {
  const { ca, cert, key, passphrase } = tls
  const serverName = tls.serverName ?? (isIP(host) === 0 ? host : undefined)
  if ((cert === undefined) !== (key === undefined)) {
    throw new KafkaError('KAFKA_OPTIONS_INVALID', 'tls: a client certificate needs both cert and key')
  }
  return {
    tls: {
      rejectUnauthorized: true,
      ...(ca !== undefined && { ca: pem(ca) }),
      ...(cert !== undefined && { cert: pem(cert) }),
      ...(key !== undefined && { key: pem(key) }),
      ...(passphrase !== undefined && { passphrase: reveal(passphrase) }),
    },
    ...(serverName !== undefined && { tlsServerName: serverName }),
  }
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === 'string' ? text : Buffer.from(text)
}

function saslOf(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism === 'OAUTHBEARER') {
    return {
      mechanism: 'OAUTHBEARER',
      token: async () => reveal(await sasl.token()),
      // A refusal comes as a successful reply that holds the reason (RFC 7628, 3.2.2).
      authBytesValidator(authBytes, callback) {
        if (authBytes.length === 0) callback(null, authBytes)
        else callback(new Error('the broker refuses the token'))
      },
      ...(sasl.extensions !== undefined && { oauthBearerExtensions: { ...sasl.extensions } }),
    }
  }
  const { mechanism, username, password } = sasl
  if (username === '') throw new KafkaError('KAFKA_OPTIONS_INVALID', 'sasl: username is empty')
  return { mechanism, username, password: () => reveal(password) }
}
