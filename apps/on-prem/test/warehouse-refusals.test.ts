import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresDdl } from '@sluice/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWarehouse, warehouseFolder } from '../src/parts/warehouse.ts'
import { cleanCustomers } from '../src/telco/customer-table.ts'
import { inTransaction } from '../src/warehouse/run-sql.ts'
import { never } from './memory-lake.ts'
import { runApp, type Ended } from './run-app.ts'

/** A warehouse that is narrower than the lake: somebody made its table, with a rule that no contract knows. */
describe('rows that the warehouse alone refuses', { timeout: 240_000 }, () => {
  let dataDir: string
  const run = (...args: string[]): Promise<Ended> => runApp(['-d', dataDir, '--log-level', 'error', 'telco', ...args])
  async function good(...args: string[]): Promise<string> {
    const ended = await run(...args)
    expect(ended, `${args.join(' ')}\n${ended.stdout}\n${ended.stderr}`).toMatchObject({ code: 0 })
    return ended.stdout
  }
  /** The warehouse of the embedded profile, between two commands. */
  async function ask(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const config = { postgres: {}, dataDir: join(dataDir, 'telco') } as Parameters<typeof openWarehouse>[0]
    await mkdir(warehouseFolder(config), { recursive: true })
    const connector = await openWarehouse(config)
    try {
      return await inTransaction(connector, never, async (session) => (await session.query(sql)).rows)
    } finally {
      await connector.close()
    }
  }
  const count = async (what: string): Promise<number> =>
    Number((await ask(`SELECT count(*) AS n FROM ${what}`))[0]!['n'])
  let refused = 0

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-refusals-'))
    await ask(`CREATE SCHEMA telco; ${postgresDdl(cleanCustomers, { schema: 'telco', table: 'customers', primaryKey: ['customer_id'] })}
      ALTER TABLE telco.customers ADD CONSTRAINT young CHECK (tenure < 40)`)
    await good('init')
    await good('produce', '-n', '600', '--bad', '0.05')
    await good('ingest')
    refused = await count(`telco.ingest_dead_letter WHERE stage = 'sink'`)
  })
  afterAll(() => rm(dataDir, { recursive: true, force: true }))

  it('are dead letters of the warehouse, and rows of the lake', async () => {
    expect(refused).toBeGreaterThan(10)
    const [row] = await ask(`SELECT count(*)::int AS n, max(tenure) AS most FROM telco.customers`)
    expect(row!['n']).toBeGreaterThan(10)
    expect(row!['most']).toBeLessThan(40)
    const listed = await good('dlq', 'list', '--sink', 'warehouse')
    expect(listed).toContain('sqlstate_23514')
    expect(await good('dlq', 'list', '--sink', 'lake')).not.toContain('sqlstate_23514')
  })

  it('are counted apart by verify, and are no difference', async () => {
    const told = await good('verify')
    expect(told).toContain(`warehouse alone: ${refused.toLocaleString('en-US')} rows of the lake were refused by it`)
    expect(told).toContain('ledger: 600 records compared, 0 differences, 0 not ingested yet')
    expect(told).toMatch(/warehouse rows: [\d,]+ compared with the lake, 0 differences/)
    expect(told).toMatch(/warehouse dead letters: [\d,]+ compared with the lake, 0 differences/)
  })

  it('do not hide what is really wrong: a lost row, a lost letter', async () => {
    const [lost] =
      await ask(`DELETE FROM telco.customers WHERE customer_id = (SELECT min(customer_id) FROM telco.customers)
      RETURNING *`)
    expect(await run('verify')).toMatchObject({ code: 5, stdout: expect.stringMatching(/missing x 1/) })
    await ask(
      `INSERT INTO telco.customers SELECT * FROM json_populate_record(NULL::telco.customers, '${JSON.stringify(
        lost,
      ).replaceAll("'", "''")}')`,
    )
    await good('verify')
    // Without its letter nothing explains why a row of the lake is not there, or is there in an older state.
    await ask(`CREATE TABLE telco.kept AS SELECT * FROM telco.ingest_dead_letter WHERE stage = 'sink'`)
    await ask(`DELETE FROM telco.ingest_dead_letter WHERE stage = 'sink'`)
    const told = await run('verify')
    expect(told.code).toBe(5)
    expect(told.stdout).not.toContain('warehouse alone')
    await ask(`INSERT INTO telco.ingest_dead_letter SELECT * FROM telco.kept; DROP TABLE telco.kept`)
    await good('verify')
  })

  it('land by a replay when the table is wider, once, and all is well', async () => {
    await ask('ALTER TABLE telco.customers DROP CONSTRAINT young')
    const landings = (told: string): number[] => [...told.matchAll(/landed (\d+)/g)].map(([, n]) => Number(n))
    expect(landings(await good('dlq', 'replay', '--sink', 'warehouse', '--code', 'sqlstate_23514'))).toEqual([refused])
    expect(landings(await good('dlq', 'replay', '--sink', 'warehouse', '--code', 'sqlstate_23514'))).toEqual([0])
    expect(await count(`telco.ingest_dead_letter WHERE stage = 'sink' AND state = 'landed'`)).toBe(refused)
    expect((await ask('SELECT max(tenure) AS most FROM telco.customers'))[0]!['most']).toBeGreaterThanOrEqual(40)
    await good('verify')
  })
})
