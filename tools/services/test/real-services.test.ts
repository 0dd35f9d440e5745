import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cacheFolder, runKafkaTool, serviceStatuses, startServices, stopServices } from '../src/index.ts'
import { processStart } from '../src/process.ts'

/** The real Kafka and the real registry. That one of them cannot start is a failure, here as everywhere. */
const instance = `test-${process.pid}`
const options = { instance, owned: true }
let env: Record<string, string>

beforeAll(async () => {
  env = await startServices(['kafka', 'apicurio'], options)
}, 15 * 60_000)
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

describe('the command line', () => {
  const cli = (args: string[]) =>
    promisify(execFile)(process.execPath, [join(import.meta.dirname, '../src/main.ts'), ...args])

  it('prints the environment of what runs, for a shell', async () => {
    const { stdout } = await cli(['env', '--instance', instance])
    expect(stdout.split('\n').sort()).toEqual([
      '',
      `export KAFKA_BROKERS='${env.KAFKA_BROKERS}'`,
      `export SCHEMA_REGISTRY_URL='${env.SCHEMA_REGISTRY_URL}'`,
    ])
  })

  it('finds what runs when asked to start it, shows it, stops it', async () => {
    const { stdout } = await cli(['up', 'kafka', '--instance', instance])
    expect(stdout).toBe(`export KAFKA_BROKERS='${env.KAFKA_BROKERS}'\n`)
    expect((await cli(['status', '--instance', instance])).stdout).toMatch(/^apicurio {2}healthy .*\nkafka {2}healthy /)
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
