import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKafkaSource } from '@sluice/source-kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownServices, type TestServices } from '@sluice-tools/services'
import { runApp, type Ended } from './run-app.ts'

/** The same life on Apache Kafka, Apicurio Registry and MinIO. The topic's name is fixed, so the services are this test's own. */
describe('the shop on real services', { timeout: 240_000 }, () => {
  let dataDir: string
  let services: TestServices | undefined
  const run = (...args: string[]): Promise<Ended> =>
    runApp(['-d', dataDir, '--log-level', 'error', ...args], {
      ...services!.env,
      SLUICE_PROFILE: 'services',
      SLUICE_STORE__BUCKET: 'shop-test',
      SLUICE_KAFKA__DEAD_LETTER_TOPIC: 'ecommerce-events.dlq',
    })

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-shop-services-'))
    services = await ownServices(['kafka', 'apicurio', 'minio'])
  }, 300_000)
  afterAll(async () => {
    await services?.release()
    await rm(dataDir, { recursive: true, force: true })
  })

  it('doctor finds what is missing before init', async () => {
    const examined = await run('ecommerce', 'doctor')
    expect(examined.code).toBe(6)
    expect(examined.stdout).toMatch(/kafka: brokers and topics\s+│ fail/)
    expect(examined.stdout).toContain('run `init`')
    expect(examined.stdout).toMatch(/clock: object store\s+│ ok/)
  })

  it(
    'goes through its whole life: two versions, ingest, migration, sql, analytics, verify',
    { timeout: 240_000 },
    async () => {
      const ended = await run('ecommerce', 'demo', '-n', '6000')
      expect(ended.stderr).not.toContain('Error')
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      expect(ended.stdout).toContain('Kafka, registry and object store')
      expect(ended.stdout).toContain('the registry accepts it')
      expect(ended.stdout).toMatch(
        /a reader of version 1 reads (\d|,)+: (\d|,)+ of schema id \d+, (\d|,)+ of schema id \d+; 0 refused/,
      )
      expect(ended.stdout).toMatch(/ledger: (\d|,)+ records compared, 0 differences, 0 not ingested yet/)
      // Nothing of it is on this machine but the ledger and what sql fetched.
      expect((await readdir(dataDir)).sort()).toEqual(['cache', 'ledger'])
    },
  )

  it('is all well then, by doctor and status', async () => {
    const examined = await run('ecommerce', 'doctor')
    expect(examined, examined.stdout).toMatchObject({ code: 0 })
    expect(examined.stdout).toContain('ecommerce-events (3 partitions)')
    expect((await run('ecommerce', 'status')).stdout).toMatch(/ecommerce-events │\s+2 │/)
  })

  it('has handed every dead letter on to the topic for them, once', async () => {
    const letters = Number(
      /│\s+(\d+) │/.exec((await run('ecommerce', 'sql', 'select count(*) as n from dead_letters')).stdout)![1],
    )
    const source = await createKafkaSource({
      brokers: [services!.env['KAFKA_BROKERS']!],
      topics: ['ecommerce-events.dlq'],
    })
    try {
      let relayed = 0
      for await (const { assigned } of source.assignments(AbortSignal.timeout(20_000))) {
        for (const partition of assigned) relayed += (await source.bounds(partition)).end
        break
      }
      expect(letters).toBeGreaterThan(10)
      expect(relayed).toBe(letters)
    } finally {
      await source.close()
    }
  })

  it('replays dead letters out of the bucket', async () => {
    const listed = await run('ecommerce', 'dlq', 'list')
    expect(listed.stdout).toMatch(/ecommerce-events │ \w+\s+│ open/)
    const discarded = await run('ecommerce', 'dlq', 'discard', '--reason', 'test traffic')
    expect(Number(/discarded (\d+)/.exec(discarded.stdout)![1])).toBeGreaterThan(0)
    expect((await run('ecommerce', 'verify')).code).toBe(0)
  })

  it('does not delete what is real without a yes', async () => {
    expect(await run('ecommerce', 'clean')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
    expect((await run('ecommerce', 'clean', '--yes')).code).toBe(0)
    expect(await run('ecommerce', 'status')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('SOURCE_MISSING'),
    })
  })
})
