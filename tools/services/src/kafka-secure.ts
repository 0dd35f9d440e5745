import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { certificatesIn, makeCertificates } from './certificates.ts'
import { countBrokers } from './kafka-probe.ts'
import { formatKafka, kafkaLaunch, serverProperties } from './kafka.ts'
import type { Service } from './service.ts'

const user = 'sluice'
const password = 'sluice-test'
/** As Azure Event Hubs wants it: this name, and the connection string as the password. */
const connectionStringUser = '$ConnectionString'
const connectionString =
  'Endpoint=sb://127.0.0.1/;SharedAccessKeyName=sluice;SharedAccessKey=c2x1aWNlLXRlc3Qta2V5LW9mLXRoaXMtYnJva2VyPQ=='

/** Tokens have to be renewed on a connection this often, by listeners of OAUTHBEARER only. */
export const oauthReauthenticationMs = 10_000

/**
 * One Kafka node that must be spoken to over TLS: a SASL_SSL listener (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER with unsecured
 * tokens) and an SSL listener that asks for a client certificate. A PLAINTEXT listener is left for administration, also of ACLs.
 */
export const kafkaSecure: Service = {
  name: 'kafka-secure',
  ports: ['broker', 'controller', 'sasl', 'mtls'],
  healthyWithinMs: 90_000,
  nativeOnly: true,
  async launch({ cache, dataFolder, ports }) {
    const certificates = await makeCertificates(makeFolder(join(dataFolder, 'certificates')))
    const properties = serverProperties(ports.broker!, ports.controller!, join(dataFolder, 'log'))
    const at = (name: string, port: number) => `${name}://127.0.0.1:${port}`
    const more = `,${at('SASL_SSL', ports.sasl!)},${at('SSL', ports.mtls!)}`
    const login = 'org.apache.kafka.common.security'
    const plain = `user_${user}="${password}" user_${connectionStringUser}="${connectionString}"`
    const secure: Record<string, string | number> = {
      ...properties,
      listeners: `${properties.listeners}${more}`,
      'advertised.listeners': `${properties['advertised.listeners']}${more}`,
      'listener.security.protocol.map': `${properties['listener.security.protocol.map']},SASL_SSL:SASL_SSL,SSL:SSL`,
      // Everybody may do everything until a test says who may not; administration always.
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
      'super.users': 'User:ANONYMOUS',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required ${plain};`,
      'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
      'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
      'listener.name.sasl_ssl.oauthbearer.sasl.jaas.config': `${login}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      'listener.name.sasl_ssl.oauthbearer.connections.max.reauth.ms': oauthReauthenticationMs,
      'listener.name.ssl.ssl.client.auth': 'required',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': certificates.serverBundle,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': certificates.ca,
    }
    const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((name) => `${name}=[name=${user},password=${password}]`)
    await formatKafka(
      cache,
      dataFolder,
      secure,
      scram.flatMap((each) => ['--add-scram', each]),
    )
    return kafkaLaunch(cache, dataFolder)
  },
  async probe({ broker }) {
    if ((await countBrokers('127.0.0.1', broker!)) < 1) throw new Error('the broker knows no broker yet')
  },
  environment({ broker, sasl, mtls }, dataFolder) {
    const certificates = certificatesIn(join(dataFolder, 'certificates'))
    return {
      KAFKA_SECURE_BROKERS: `127.0.0.1:${sasl}`,
      KAFKA_SECURE_MTLS_BROKERS: `127.0.0.1:${mtls}`,
      KAFKA_SECURE_ADMIN_BROKERS: `127.0.0.1:${broker}`,
      KAFKA_SECURE_USERNAME: user,
      KAFKA_SECURE_PASSWORD: password,
      KAFKA_SECURE_CONNECTION_STRING: connectionString,
      KAFKA_SECURE_CA_FILE: certificates.ca,
      KAFKA_SECURE_STRANGER_CA_FILE: certificates.strangerCa,
      KAFKA_SECURE_CLIENT_CERT_FILE: certificates.clientCertificate,
      KAFKA_SECURE_CLIENT_KEY_FILE: certificates.clientKey,
    }
  },
}

function makeFolder(path: string): string {
  mkdirSync(path, { mode: 0o700 })
  return path
}
