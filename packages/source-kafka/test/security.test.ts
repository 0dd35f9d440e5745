import { createServer } from 'node:net'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AclOperations, AclPermissionTypes, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import { createLakeLetterFeed } from '@sluice/ingest-core'
import type { Source } from '@sluice/ingest-core'
import { testServices } from '@sluice-tools/services'
import type { TestServices } from '@sluice-tools/services'
import { createDeadLetterRelay, createKafkaProducer, createKafkaSource, eventHubsConnection } from '../src/index.ts'
import type { KafkaConnectionOptions, KafkaSourceOptions } from '../src/index.ts'
import { createKafkaJsSource } from '../src/kafkajs/index.ts'
import { eventually, openCluster } from './admin.ts'
import type { TestCluster } from './admin.ts'
import { contractOn, openLake, sinkId } from './lake.ts'
import { assigned, readTo } from './reading.ts'

let services: TestServices
let env: Readonly<Record<string, string>>
let admin: TestCluster
const topic = `secure.${process.pid}.${Date.now()}`

beforeAll(async () => {
  services = await testServices(['kafka-secure'])
  env = services.env
  admin = openCluster([env.KAFKA_SECURE_ADMIN_BROKERS!])
  await admin.createTopic(topic, 1)
  await admin.append(topic, 0, ['hello'])
}, 300_000)

afterAll(async () => {
  await admin.deleteTopic(topic)
  await admin.close()
  await services.release()
})

const file = (name: string): string => readFileSync(env[name]!, 'utf8')
const saslBrokers = (): string[] => [env.KAFKA_SECURE_BROKERS!]
const ca = () => ({ ca: file('KAFKA_SECURE_CA_FILE') })
const user = () => ({ username: env.KAFKA_SECURE_USERNAME!, password: env.KAFKA_SECURE_PASSWORD! })

/** An unsecured token as the test broker takes it: who, and until when. */
function token(lifeMs: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Date.now() / 1000
  return `${part({ alg: 'none' })}.${part({ sub: 'sluice', iat: now, exp: now + lifeMs / 1000 })}.`
}

const ways: Record<string, () => KafkaConnectionOptions> = {
  PLAIN: () => ({ brokers: saslBrokers(), tls: ca(), sasl: { mechanism: 'PLAIN', ...user() } }),
  'SCRAM-SHA-256': () => ({ brokers: saslBrokers(), tls: ca(), sasl: { mechanism: 'SCRAM-SHA-256', ...user() } }),
  'SCRAM-SHA-512': () => ({ brokers: saslBrokers(), tls: ca(), sasl: { mechanism: 'SCRAM-SHA-512', ...user() } }),
  OAUTHBEARER: () => ({
    brokers: saslBrokers(),
    tls: ca(),
    sasl: { mechanism: 'OAUTHBEARER', token: () => token(600_000) },
  }),
  'a client certificate': () => ({
    brokers: [env.KAFKA_SECURE_MTLS_BROKERS!],
    tls: { ...ca(), cert: file('KAFKA_SECURE_CLIENT_CERT_FILE'), key: file('KAFKA_SECURE_CLIENT_KEY_FILE') },
  }),
  'an Event Hubs connection string': () => {
    const { sasl } = eventHubsConnection({ reveal: () => env.KAFKA_SECURE_CONNECTION_STRING! })
    return { brokers: saslBrokers(), tls: ca(), sasl }
  },
}

const drivers: Record<string, (options: KafkaSourceOptions) => Promise<Source>> = {
  kafka: createKafkaSource,
  kafkajs: (options) => createKafkaJsSource({ ...options, groupId: options.groupId! }),
}

for (const [driver, make] of Object.entries(drivers)) {
  describe(`security, driver ${driver}`, () => {
    for (const [way, options] of Object.entries(ways)) {
      it(`reads by ${way}`, async () => {
        const groupId = `${topic}-${driver}-${way}`.replaceAll(' ', '-')
        const source = await make({ ...options(), topics: [topic], groupId, waitMs: 50 })
        const [id] = await assigned(source, 1)
        await source.seek(id!, 0)
        const { end } = await source.bounds(id!)
        expect((await readTo(source, 0, end))[0]).toEqual({ offset: 0, value: 'hello' })
        await source.close()
      })
    }
  })
}

describe('security, producer', () => {
  for (const [way, options] of Object.entries(ways)) {
    it(`writes by ${way}`, async () => {
      const producer = createKafkaProducer(options())
      const record = { key: null, value: Buffer.from(way), timestamp: Date.now(), partition: 0 }
      const [receipt] = await producer.send(topic, [record])
      expect(receipt!.end - receipt!.baseOffset).toBe(1)
      await producer.close()
    })
  }
})

describe('fails closed (fault 38)', () => {
  const open = async (options: KafkaConnectionOptions): Promise<unknown> => {
    const source = await createKafkaSource({ ...options, topics: [topic], connectTimeoutMs: 3000 }).catch(
      (error: unknown) => error,
    )
    if (!(source instanceof Error)) await (source as Source).close()
    return source
  }
  const denied = (text: RegExp) =>
    expect.objectContaining({ code: 'SOURCE_DENIED', message: expect.stringMatching(text) as string })
  const plain = () => ({ mechanism: 'PLAIN', ...user() }) as const

  it('with a CA that did not sign the broker', async () => {
    const tls = { ca: file('KAFKA_SECURE_STRANGER_CA_FILE') }
    expect(await open({ brokers: saslBrokers(), tls, sasl: plain() })).toEqual(denied(/no trusted TLS connection/))
  })

  it("with Node's own CAs", async () => {
    expect(await open({ brokers: saslBrokers(), tls: true, sasl: plain() })).toEqual(
      denied(/no trusted TLS connection/),
    )
  })

  it('with another host name than the certificate has', async () => {
    const tls = { ...ca(), serverName: 'other.example' }
    expect(await open({ brokers: saslBrokers(), tls, sasl: plain() })).toEqual(denied(/no trusted TLS connection/))
  })

  it('without TLS towards a TLS listener', async () => {
    expect(await open({ brokers: saslBrokers() })).toMatchObject({ code: expect.stringMatching(/^SOURCE_/) as string })
  })

  it('with TLS towards a plain listener', async () => {
    expect(await open({ brokers: [env.KAFKA_SECURE_ADMIN_BROKERS!], tls: ca() })).toMatchObject({
      code: expect.stringMatching(/^SOURCE_(DENIED|UNAVAILABLE)$/) as string,
    })
  })

  it('without a client certificate where one is wanted', async () => {
    expect(await open({ brokers: [env.KAFKA_SECURE_MTLS_BROKERS!], tls: ca() })).toEqual(denied(/TLS/))
  })

  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    it(`with a wrong password (${mechanism}), and the message does not hold it`, async () => {
      const sasl = { mechanism, username: user().username, password: 'wr0ng-secret' }
      const error = await open({ brokers: saslBrokers(), tls: ca(), sasl })
      expect(error).toEqual(denied(/refuses the credentials/))
      expect(inspect(error, { depth: 9 })).not.toContain('wr0ng-secret')
    })
  }

  it('with an expired token', async () => {
    const sasl = { mechanism: 'OAUTHBEARER', token: () => token(-60_000) } as const
    expect(await open({ brokers: saslBrokers(), tls: ca(), sasl })).toEqual(denied(/refuses the credentials/))
  })

  it('and never speaks a password to a listener that has no TLS', async () => {
    const heard: Buffer[] = []
    const server = createServer((socket) => {
      socket.on('data', (chunk) => heard.push(chunk))
      socket.on('error', () => undefined)
      setTimeout(() => socket.destroy(), 300)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const sasl = { mechanism: 'PLAIN', username: 'somebody', password: 'wr0ng-secret' } as const
    expect(await open({ brokers: [`127.0.0.1:${port}`], tls: ca(), sasl })).toBeInstanceOf(Error)
    expect(heard.length).toBeGreaterThan(0)
    expect(Buffer.concat(heard).toString('latin1')).not.toContain('wr0ng-secret')
    server.close()
  })
})

describe('a dead-letter topic that may not be written', () => {
  it('holds the partition up and raises the alarm, until it may (fault 36)', async () => {
    const source = `${topic}.letters`
    const dlq = `${source}.dlq`
    await admin.createTopic(source, 1)
    await admin.createTopic(dlq, 1)
    await admin.append(source, 0, ['no event', 'nor this'])
    const acl = {
      resourceType: ResourceTypes.TOPIC,
      resourceName: dlq,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${user().username}`,
      host: '*',
      operation: AclOperations.WRITE,
      permissionType: AclPermissionTypes.DENY,
    }
    await admin.admin.createAcls({ creations: [acl] })
    const lake = await openLake(contractOn(source))
    const alarms: (string | null)[] = []
    const relay = createDeadLetterRelay({
      ...ways['PLAIN']!(),
      topic: dlq,
      feed: createLakeLetterFeed({ store: lake.store, sinkId, consumer: 'relay' }),
      retry: { firstMs: 20, maxMs: 100 },
      alarm: (error) => alarms.push(error !== null && 'code' in error ? String(error.code) : null),
    })
    const groupId = `g-${source}`
    const reading = await createKafkaSource({ ...ways['PLAIN']!(), topics: [source], groupId, waitMs: 50 })
    const running = lake.pipeline(reading, { onReceipt: relay.onReceipt }).run({ until: 'caught-up' })
    await eventually(async () => expect(alarms).toEqual(['KAFKA_DENIED']))
    const groups = () => admin.admin.listConsumerGroupOffsets({ groups: [groupId] })
    expect((await groups())[0]?.topics ?? []).toEqual([])
    await admin.admin.deleteAcls({ filters: [acl] })
    expect((await running).outcome).toBe('caught-up')
    expect(alarms).toEqual(['KAFKA_DENIED', null])
    expect((await groups())[0]!.topics[0]!.partitions[0]!.committedOffset).toBe(2n)
    await relay.close()
    const letters = await createKafkaSource({ brokers: [env.KAFKA_SECURE_ADMIN_BROKERS!], topics: [dlq], waitMs: 50 })
    const [id] = await assigned(letters, 1)
    await letters.seek(id!, 0)
    expect((await readTo(letters, 0, 2)).map(({ value }) => value)).toEqual(['no event', 'nor this'])
    await letters.close()
    await lake.dispose()
    for (const each of [source, dlq]) await admin.deleteTopic(each)
  }, 120_000)
})

describe('token renewal (fault 37)', () => {
  it('authenticates again on the same connections, with a new token, and loses nothing', async () => {
    let asked = 0
    // The broker ends sessions when the token ends, or after 10 s: whichever is first.
    const sasl = {
      mechanism: 'OAUTHBEARER',
      token: () => {
        asked += 1
        return token(4000)
      },
    } as const
    const source = await createKafkaSource({ brokers: saslBrokers(), tls: ca(), sasl, topics: [topic], waitMs: 50 })
    const [id] = await assigned(source, 1)
    let { end: next } = await source.bounds(id!)
    await source.seek(id!, next)
    const before = asked
    const until = Date.now() + 12_000
    for (let i = 0; Date.now() < until; i++) {
      await admin.append(topic, 0, [`renewal ${i}`])
      const read = await readTo(source, next, next + 1)
      expect(read[0]!.value).toBe(`renewal ${i}`)
      next += 1
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(asked).toBeGreaterThanOrEqual(before + 2)
    await source.close()
  })
})

describe('Event Hubs connection strings', () => {
  it('become SASL/PLAIN over TLS to the namespace', () => {
    const text =
      'Endpoint=sb://telco.servicebus.example/;SharedAccessKeyName=reader;SharedAccessKey=a+b/c==;EntityPath=x'
    const options = eventHubsConnection(text)
    expect(options.brokers).toEqual(['telco.servicebus.example:9093'])
    expect(options.tls).toEqual({ serverName: 'telco.servicebus.example' })
    expect(options.sasl).toEqual({ mechanism: 'PLAIN', username: '$ConnectionString', password: text })
  })

  it('are refused when parts are missing, without repeating them', () => {
    for (const text of ['', 'Endpoint=http://x/', 'Endpoint=sb://x/;SharedAccessKeyName=n', 'SharedAccessKey=s3cret']) {
      const run = () => eventHubsConnection(text)
      expect(run).toThrowError(expect.objectContaining({ code: 'KAFKA_OPTIONS_INVALID' }))
      expect(run).not.toThrowError(/s3cret/)
    }
  })
})
