import { isIP } from 'node:net'
import kafkajs from 'kafkajs'
import type { Kafka, KafkaConfig, SASLOptions } from 'kafkajs'
import { parseBrokers, reveal } from '../connection/options.ts'
import type { KafkaConnectionOptions, KafkaSasl, KafkaTls } from '../connection/options.ts'

/** A kafkajs client of the same options; silent, as every error reaches us by events and rejections. */
export function kafkaJsClient(options: KafkaConnectionOptions): Kafka {
  const { brokers, clientId = 'sluice', tls, sasl, connectTimeoutMs = 5000, requestTimeoutMs = 30_000 } = options
  const [first] = parseBrokers(brokers)
  const config: KafkaConfig = {
    clientId,
    brokers: [...brokers],
    connectionTimeout: connectTimeoutMs,
    authenticationTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    reauthenticationThreshold: 2000,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 5000, restartOnFailure: async () => true },
    ...(tls !== undefined && tls !== false && { ssl: sslOf(tls === true ? {} : tls, first!.host) }),
    ...(sasl !== undefined && { sasl: saslOf(sasl) }),
  }
  return new kafkajs.Kafka(config)
}

function sslOf(tls: KafkaTls, host: string): Exclude<KafkaConfig['ssl'], boolean | undefined> {
  const { ca, cert, key, passphrase } = tls
  const servername = tls.serverName ?? (isIP(host) === 0 ? host : undefined)
  const text = (pem: string | Uint8Array): string | Buffer => (typeof pem === 'string' ? pem : Buffer.from(pem))
  return {
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca: text(ca) }),
    ...(cert !== undefined && { cert: text(cert) }),
    ...(key !== undefined && { key: text(key) }),
    ...(passphrase !== undefined && { passphrase: reveal(passphrase) }),
    ...(servername !== undefined && { servername }),
  }
}

function saslOf(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism === 'OAUTHBEARER') {
    return {
      mechanism: 'oauthbearer',
      oauthBearerProvider: async () => ({ value: reveal(await sasl.token()) }),
    }
  }
  const { username } = sasl
  const password = reveal(sasl.password)
  switch (sasl.mechanism) {
    case 'PLAIN':
      return { mechanism: 'plain', username, password }
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', username, password }
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', username, password }
  }
}
