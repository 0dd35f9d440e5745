import { KafkaError } from '../errors.ts'
import { reveal } from './options.ts'
import type { KafkaConnectionOptions, SecretText } from './options.ts'

/**
 * Connection options from a connection string of Azure Event Hubs: SASL/PLAIN as `$ConnectionString` over TLS, port 9093.
 * The text stays wrapped until a connection authenticates. An `EntityPath` in it is a topic and is not used here.
 * @throws KafkaError KAFKA_OPTIONS_INVALID; the message never holds the string
 */
export function eventHubsConnection(
  connectionString: SecretText,
): Required<Pick<KafkaConnectionOptions, 'brokers' | 'tls' | 'sasl'>> {
  const parts = new Map(
    reveal(connectionString)
      .split(';')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf('=')
        return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const
      }),
  )
  const host = /^sb:\/\/([A-Za-z0-9.-]+)\/?$/.exec(parts.get('endpoint') ?? '')?.[1]
  if (host === undefined) {
    throw new KafkaError('KAFKA_OPTIONS_INVALID', 'connection string: Endpoint should be sb://<namespace>/')
  }
  if (!parts.has('sharedaccesskeyname') || !parts.has('sharedaccesskey')) {
    const expected = 'connection string: SharedAccessKeyName and SharedAccessKey are needed'
    throw new KafkaError('KAFKA_OPTIONS_INVALID', expected)
  }
  return {
    brokers: [`${host}:9093`],
    tls: { serverName: host },
    sasl: { mechanism: 'PLAIN', username: '$ConnectionString', password: connectionString },
  }
}
