import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  cacheFolder,
  findPostgres,
  restartService,
  runKafkaTool,
  serviceStatuses,
  services,
  signalService,
  startServices,
  stopServices,
} from '../src/index.ts'
import { processStart } from '../src/process.ts'

/** The real services, all at once. That one of them cannot start is a failure, here as everywhere. */
const instance = `test-${process.pid}`
const options = { instance, owned: true }
let env: Record<string, string>

beforeAll(async () => {
  env = await startServices(Object.keys(services), options)
}, 30 * 60_000)
afterAll(async () => {
  await stopServices(options)
}, 60_000)

describe('kafka', () => {
  it('makes a topic, and knows it afterwards', async () => {
    const at = ['--bootstrap-server', env.KAFKA_BROKERS!]
    const tool = (args: string[]) =>
      runKafkaTool(cacheFolder(), 'org.apache.kafka.tools.TopicCommand', [...at, ...args])
    expect(await tool(['--create', '--topic', 'user.events', '--partitions', '3'])).toContain(
      'Created topic user.events',
    )
    expect(await tool(['--describe', '--topic', 'user.events'])).toMatch(/PartitionCount: 3\b/)
    await expect(tool(['--create', '--topic', 'user.events'])).rejects.toThrow(/already exists/)
  })
})

describe('apicurio', () => {
  const call = async (path: string, body?: object) => {
    const init = body && {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify(body),
    }
    const answer = await fetch(`${env.SCHEMA_REGISTRY_URL}${path}`, init)
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  it('registers a schema, gives it back by id, keeps one id for one schema', async () => {
    const schema = JSON.stringify({ type: 'record', name: 'Probe', fields: [{ name: 'id', type: 'string' }] })
    const first = await call('/subjects/probe-value/versions', { schema })
    expect(first.status).toBe(200)
    const again = await call('/subjects/probe-value/versions', { schema })
    expect(again.body.id).toBe(first.body.id)
    const back = await call(`/schemas/ids/${String(first.body.id)}`)
    expect(JSON.parse(String(back.body.schema))).toEqual(JSON.parse(schema))
  })

  it('refuses what is no schema', async () => {
    expect((await call('/subjects/probe-value/versions', { schema: '{"type": "nonsense"}' })).status).toBe(422)
  })
})

describe('kafka-secure', () => {
  const tool = async (name: string, brokers: string, properties: Record<string, string>) => {
    const file = join(mkdtempSync(join(tmpdir(), 'sluice-client-')), 'client.properties')
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(file, `default.api.timeout.ms=8000\nrequest.timeout.ms=4000\n${lines.join('')}`)
    const args = ['--bootstrap-server', brokers, '--command-config', file, '--create', '--topic', name]
    try {
      return await runKafkaTool(cacheFolder(), 'org.apache.kafka.tools.TopicCommand', args)
    } finally {
      rmSync(dirname(file), { recursive: true })
    }
  }
  const trust = () => ({ 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': env.KAFKA_SECURE_CA_FILE! })
  const login = (module: string, options: string) => `org.apache.kafka.common.security.${module} required ${options};`
  const user = () => `username="${env.KAFKA_SECURE_USERNAME}" password="${env.KAFKA_SECURE_PASSWORD}"`
  const sasl = (mechanism: string, jaas: string) => ({
    ...trust(),
    'security.protocol': 'SASL_SSL',
    'sasl.mechanism': mechanism,
    'sasl.jaas.config': jaas,
  })

  it('lets every mechanism in', async () => {
    const eventHubs = `username="$ConnectionString" password="${env.KAFKA_SECURE_CONNECTION_STRING}"`
    const ways: Record<string, Record<string, string>> = {
      plain: sasl('PLAIN', login('plain.PlainLoginModule', user())),
      'event-hubs': sasl('PLAIN', login('plain.PlainLoginModule', eventHubs)),
      'scram-256': sasl('SCRAM-SHA-256', login('scram.ScramLoginModule', user())),
      'scram-512': sasl('SCRAM-SHA-512', login('scram.ScramLoginModule', user())),
      oauth: sasl(
        'OAUTHBEARER',
        login('oauthbearer.OAuthBearerLoginModule', 'unsecuredLoginStringClaim_sub="somebody"'),
      ),
    }
    for (const [name, way] of Object.entries(ways))
      expect(await tool(name, env.KAFKA_SECURE_BROKERS!, way), name).toContain(`Created topic ${name}`)
  }, 120_000)

  it('lets a client certificate in, and neither a wrong password, nor a stranger’s word, nor plain text', async () => {
    // The tools of Kafka take a client's key and certificate as one file.
    const bundle = join(dirname(env.KAFKA_SECURE_CLIENT_KEY_FILE!), 'client-bundle.pem')
    const parts = [env.KAFKA_SECURE_CLIENT_KEY_FILE!, env.KAFKA_SECURE_CLIENT_CERT_FILE!]
    writeFileSync(bundle, parts.map((file) => readFileSync(file, 'utf8')).join(''))
    const ssl = { ...trust(), 'security.protocol': 'SSL' }
    const known = { ...ssl, 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': bundle }
    expect(await tool('mtls', env.KAFKA_SECURE_MTLS_BROKERS!, known)).toContain('Created topic mtls')
    const wrong = sasl('PLAIN', login('plain.PlainLoginModule', 'username="sluice" password="guess"'))
    const refused = [
      tool('no-1', env.KAFKA_SECURE_MTLS_BROKERS!, ssl),
      tool('no-2', env.KAFKA_SECURE_BROKERS!, wrong),
      tool('no-3', env.KAFKA_SECURE_BROKERS!, {
        ...sasl('PLAIN', login('plain.PlainLoginModule', user())),
        'ssl.truststore.location': env.KAFKA_SECURE_STRANGER_CA_FILE!,
      }),
    ]
    for (const end of await Promise.allSettled(refused)) expect(end.status).toBe('rejected')
  }, 120_000)
})

describe('object stores', () => {
  it('minio takes its keys and no others', async () => {
    const client = (secret: string) =>
      new S3Client({
        endpoint: env.S3_ENDPOINT!,
        region: env.S3_REGION!,
        forcePathStyle: true,
        credentials: { accessKeyId: env.S3_ACCESS_KEY_ID!, secretAccessKey: secret },
      })
    const s3 = client(env.S3_SECRET_ACCESS_KEY!)
    await s3.send(new CreateBucketCommand({ Bucket: 'probe' }))
    expect((await s3.send(new ListBucketsCommand({}))).Buckets!.map(({ Name }) => Name)).toContain('probe')
    await expect(client('wrong').send(new ListBucketsCommand({}))).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    })
  })

  it('fake-gcs answers the JSON API', async () => {
    const answer = await fetch(`${env.STORAGE_EMULATOR_HOST}/storage/v1/b?project=p`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'probe' }),
    })
    expect(answer.status).toBe(200)
  })

  it('azurite takes its connection string', async () => {
    const blobs = BlobServiceClient.fromConnectionString(env.AZURE_STORAGE_CONNECTION_STRING!)
    await blobs.createContainer('probe')
    expect(await blobs.getContainerClient('probe').exists()).toBe(true)
  })
})

describe('postgres', () => {
  const ask = async (sql: string, url = env.POSTGRES_URL!) => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return (await client.query<Record<string, string>>(sql)).rows
    } finally {
      await client.end()
    }
  }

  it('is durable, takes prepared transactions, asks for the password', async () => {
    const settings =
      'fsync full_page_writes synchronous_commit max_connections max_prepared_transactions server_encoding'
    const rows = await Promise.all(settings.split(' ').map(async (name) => (await ask(`show ${name}`))[0]![name]))
    expect(rows).toEqual(['on', 'on', 'on', '60', '10', 'UTF8'])
    const url = new URL(env.POSTGRES_URL!)
    url.password = 'guess'
    await expect(ask('select 1', url.href)).rejects.toThrow(/password authentication failed/)
    expect(await findPostgres(15)).toMatch(/bin$/)
  })

  it('keeps what was committed through a crash, at its port', async () => {
    await ask('create table kept (id int)')
    await ask('insert into kept values (1)')
    await restartService('postgres', { ...options, signal: 'SIGQUIT' })
    expect(await ask('select count(*)::text as n from kept')).toEqual([{ n: '1' }])
  })
})

it('a broker that hangs is running and not healthy; it wakes with its topics', async () => {
  const state = async () => (await serviceStatuses(options)).find(({ service }) => service === 'kafka')!.state
  await signalService('kafka', 'SIGSTOP', options)
  expect(await state()).toBe('running')
  await signalService('kafka', 'SIGCONT', options)
  expect(await state()).toBe('healthy')
  await restartService('kafka', { ...options, signal: 'SIGKILL' })
  const args = ['--bootstrap-server', env.KAFKA_BROKERS!, '--list']
  expect(await runKafkaTool(cacheFolder(), 'org.apache.kafka.tools.TopicCommand', args)).toContain('user.events')
}, 120_000)

describe('the command line', () => {
  const cli = (args: string[]) =>
    promisify(execFile)(process.execPath, [join(import.meta.dirname, '../src/main.ts'), ...args])

  it('prints the environment of what runs, for a shell', async () => {
    const { stdout } = await cli(['env', '--instance', instance])
    const lines = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`)
    expect(stdout.split('\n').sort()).toEqual(['', ...lines.sort()])
  })

  it('finds what runs when asked to start it, shows it, stops it', async () => {
    const { stdout } = await cli(['up', 'kafka', '--instance', instance])
    expect(stdout).toBe(`export KAFKA_BROKERS='${env.KAFKA_BROKERS}'\n`)
    expect((await cli(['status', '--instance', instance])).stdout).toMatch(
      /^apicurio {2}healthy [^]*\nkafka {2}healthy /,
    )
    const pids = (await serviceStatuses(options)).map((s) => s.pid).filter((pid) => pid !== undefined)
    await cli(['down', '--instance', instance])
    expect(pids.map(processStart).filter((start) => start !== undefined)).toEqual([])
    await expect(cli(['env', '--instance', instance])).rejects.toMatchObject({ code: 1, stdout: '' })
  })

  it('explains itself, with code 2, when it is asked for nothing', async () => {
    await expect(cli([])).rejects.toMatchObject({ code: 2 })
    await expect(cli(['up'])).rejects.toMatchObject({ code: 2 })
  })
})
