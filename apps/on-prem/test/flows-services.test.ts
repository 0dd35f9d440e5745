import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLedger } from '@sluice/generators'
import { createPgConnector, type SqlConnector } from '@sluice/sink-postgres'
import { createS3Store } from '@sluice/sink-s3-minio'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownServices, type TestServices } from '@sluice-tools/services'
import { never } from './memory-lake.ts'
import { runApp, type Ended } from './run-app.ts'

const bucket = 'flows-test'

/** What an operator writes to mend records that begin with a byte order mark. */
const fixModule = `export default ({ code, value }) => (code === 'json_bom' ? value.subarray(3) : undefined)\n`

/** Both flows on Apache Kafka by SASL_SSL as Azure Event Hubs has it, MinIO and PostgreSQL. Topics have fixed names: services of its own. */
describe('telco and event analytics on real services', { timeout: 400_000 }, () => {
  let dataDir: string
  let fix: string
  let services: TestServices | undefined
  let warehouse: SqlConnector | undefined
  const run = (...args: string[]): Promise<Ended> =>
    runApp(['-d', dataDir, '--log-level', 'error', ...args], {
      ...services!.env,
      SLUICE_PROFILE: 'event-hubs',
      SLUICE_STORE__BUCKET: bucket,
    })
  /** A command that has to end well. */
  async function good(...args: string[]): Promise<string> {
    const ended = await run(...args)
    expect(ended, `${args.join(' ')}\n${ended.stdout}\n${ended.stderr}`).toMatchObject({ code: 0 })
    return ended.stdout
  }
  async function ask(sql: string): Promise<Readonly<Record<string, unknown>>[]> {
    const session = await warehouse!.session(never)
    try {
      return [...(await session.query(sql)).rows]
    } finally {
      session.release(true)
    }
  }
  async function objects(prefix: string): Promise<string[]> {
    const { S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = services!.env
    const store = createS3Store({
      bucket,
      endpoint: S3_ENDPOINT!,
      region: S3_REGION!,
      credentials: { accessKeyId: S3_ACCESS_KEY_ID!, secretAccessKey: S3_SECRET_ACCESS_KEY! },
    })
    await store.open(never)
    try {
      const keys: string[] = []
      for await (const { key } of store.list(prefix, never)) keys.push(key)
      return keys
    } finally {
      await store.close()
    }
  }
  /** What the simulator knows of each outcome. */
  async function truth(domain: string): Promise<{ records: number; landed: number; dead: number; bom: number }> {
    const counts = { records: 0, landed: 0, dead: 0, bom: 0 }
    for await (const { expect: outcome, code } of readLedger(join(dataDir, domain, 'ledger', `${domain}.jsonl`))) {
      counts.records += 1
      counts.landed += outcome === 'dead-letter' ? 0 : 1
      counts.dead += outcome === 'dead-letter' ? 1 : 0
      counts.bom += code === 'json_bom' ? 1 : 0
    }
    return counts
  }
  /** The conservation equation that `show-data` prints. */
  function equation(text: string, topic: string): { consumed: number; landed: number; dead: number; holds: boolean } {
    const line = text.split('\n').find((each) => each.startsWith(`│ ${topic} `))!
    const [, , consumed, stored, late, , , dead, , holds] = line
      .split('│')
      .map((cell) => cell.trim().replaceAll(',', ''))
    return {
      consumed: Number(consumed),
      landed: Number(stored) + Number(late),
      dead: Number(dead),
      holds: holds === 'yes',
    }
  }

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-flows-'))
    fix = join(dataDir, 'fix.mjs')
    await writeFile(fix, fixModule)
    services = await ownServices(['kafka-secure', 'minio', 'postgres'])
    warehouse = createPgConnector({ connectionString: services.env['POSTGRES_URL']! })
  }, 400_000)
  afterAll(async () => {
    await warehouse?.close()
    await services?.release()
    await rm(dataDir, { recursive: true, force: true })
  })

  it('doctor finds what is missing before init, and jobs say what to do first', async () => {
    const examined = await run('telco', 'doctor')
    expect(examined.code, examined.stdout).toBe(6)
    expect(examined.stdout).toMatch(/kafka: brokers and topics\s+│ fail/)
    expect(examined.stdout).toMatch(/warehouse\s+│ ok\s+│ PostgreSQL \d+/)
    expect(await run('telco', 'gold')).toMatchObject({ code: 3, stderr: expect.stringContaining('WAREHOUSE_EMPTY') })
  })

  describe.each([
    { domain: 'telco', topic: 'telco.customers', count: '800', table: 'telco.customers', key: 'customer_id' },
    { domain: 'analytics', topic: 'events_raw', count: '1200', table: 'analytics.events', key: 'idempotency_key' },
  ])('$domain', ({ domain, topic, count, table, key }) => {
    it('goes through its whole life; show-data, verify and the ledger agree', async () => {
      const told = await good(domain, 'demo', '-n', count, '--bad', '0.05')
      const { records, landed, dead, bom } = await truth(domain)
      expect(records).toBe(Number(count))
      expect(bom).toBeGreaterThan(0)
      expect(equation(told, topic)).toEqual({ consumed: records, landed, dead, holds: true })
      expect(told).toContain(
        `ledger: ${records.toLocaleString('en-US')} records compared, 0 differences, 0 not ingested yet`,
      )
      expect(told).toMatch(/silver: snapshot 1, .* compared with bronze, 0 differences/)
      expect(told).toMatch(/warehouse rows: [\d,]+ compared with the lake, 0 differences/)
      expect(told).toContain(`warehouse dead letters: ${dead} compared with the lake, 0 differences`)
      const [row] = await ask(`SELECT count(*)::int AS n, count(DISTINCT ${key})::int AS keys FROM ${table}`)
      expect(row!['n']).toBeGreaterThan(0)
      expect(row!['n']).toBe(row!['keys'])
    })

    it('is all well then, by doctor: brokers, retention, clocks, warehouse', async () => {
      const told = await good(domain, 'doctor')
      expect(told).toContain(`${topic} (3 partitions)`)
      expect(told).toMatch(/kafka: retention\s+│ ok/)
      expect(told).toMatch(/clock: object store\s+│ ok/)
    })

    it('replays dead letters into lake and warehouse, once in each, also after a run that reached one only', async () => {
      const { bom } = await truth(domain)
      const landings = (told: string): number[] => [...told.matchAll(/landed (\d+)/g)].map(([, n]) => Number(n))
      expect(landings(await good(domain, 'dlq', 'replay', '--fix', fix, '--sink', 'lake'))).toEqual([bom])
      const behind = await run(domain, 'verify')
      expect(behind).toMatchObject({ code: 5, stdout: expect.stringContaining('decided in one sink only') })
      expect(landings(await good(domain, 'dlq', 'replay', '--fix', fix))).toEqual([0, bom])
      expect(landings(await good(domain, 'dlq', 'replay', '--fix', fix))).toEqual([0, 0])
      const [letters] = await ask(`SELECT count(*)::int AS n FROM ${domain}.ingest_dead_letter WHERE state = 'landed'`)
      expect(letters!['n']).toBe(bom)
      await good(domain, 'silver')
      const told = await good(domain, 'verify')
      expect(told).toMatch(/compared with bronze, 0 differences/)
    })
  })

  it('analytics has one fact for each event after the replay, too', async () => {
    await run('analytics', 'daily', '--as-of', 'newest')
    const [row] = await ask(
      'SELECT (SELECT count(*)::int FROM analytics.fact_events) AS facts, (SELECT count(*)::int FROM analytics.events) AS events',
    )
    expect(row!['facts']).toBe(row!['events'])
  })

  it('clean removes what is of one domain and nothing of the other', async () => {
    expect(await run('telco', 'clean')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
    const others = await objects('analytics/')
    expect(others.length).toBeGreaterThan(0)
    await good('telco', 'clean', '--yes')
    expect(await objects('analytics/')).toEqual(others)
    await good('analytics', 'clean', '--yes')
    expect(await objects('')).toEqual([])
    expect(await ask(`SELECT nspname FROM pg_namespace WHERE nspname IN ('telco', 'analytics')`)).toEqual([])
    expect(await run('telco', 'status')).toMatchObject({ code: 3, stderr: expect.stringContaining('SOURCE_MISSING') })
  })
})
