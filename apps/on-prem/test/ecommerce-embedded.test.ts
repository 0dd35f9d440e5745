import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ShopTotals, ShopWindow } from '../src/ecommerce/shop-analytics.ts'
import { runApp, type Ended } from './run-app.ts'

/** One life of the shop on nothing but Node, told in order. */
describe('the shop, embedded', { timeout: 240_000 }, () => {
  let dataDir: string
  const run = (...args: string[]): Promise<Ended> =>
    runApp(['-d', dataDir, '--log-level', 'error', 'ecommerce', ...args])
  const sql = async (query: string): Promise<string[][]> => {
    const { stdout } = await run('sql', query)
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('│'))
      .slice(1)
      .map((line) =>
        line
          .split('│')
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll(',', '')),
      )
  }

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-shop-'))
  })
  afterAll(() => rm(dataDir, { recursive: true, force: true }))

  it('says what to do first', async () => {
    expect(await run('ingest')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('run `init`, then `produce`'),
    })
    expect(await run('migrate')).toMatchObject({ code: 3, stderr: expect.stringContaining('NOTHING_TO_MIGRATE') })
  })

  it('begins in version 1', async () => {
    expect((await run('init')).stdout).toContain(
      'topic ecommerce-events made; local store ready; ecommerce-events-value at version 1',
    )
    expect((await run('init')).stdout).toContain('was there')
    expect((await run('produce', '-n', '3000', '--bad', '0.02')).stdout).toContain(
      'produced 3,000 records in version 1',
    )
    expect((await run('ingest')).code).toBe(0)
    expect(await sql('select count(*), count(device_type), count(distinct _schema_id) from user_events')).toEqual([
      [expect.stringMatching(/^29\d\d$/), '0', '1'],
    ])
  })

  it('refuses to write a version that does not exist, or a mode nobody knows', async () => {
    expect((await run('produce', '--schema-version', '9')).stderr).toContain('--schema-version must be one of 1, 2')
    expect((await run('migrate', '--mode', 'SIDEWAYS')).stderr).toContain('--mode must be one of BACKWARD')
  })

  it('checks a migration without making it', async () => {
    const checked = await run('migrate', '--check-only')
    expect(checked.stdout).toContain('version 2 is FULL_TRANSITIVE; deploy in any order')
    expect(checked.stdout).not.toContain('register')
    expect((await run('migrate', '--check-only')).stdout).toContain('current  version 1')
  })

  it('migrates to version 2: both versions side by side, readers of both read all', async () => {
    const migrated = await run('migrate', '--for', '1', '--rate', '400')
    expect(migrated.code, migrated.stderr).toBe(0)
    expect(migrated.stdout).toMatch(/register version 2 has schema id 2/)
    const written = /side by side for 1 s: (\d+) records/.exec(migrated.stdout)![1]!
    for (const version of [1, 2]) {
      const line = migrated.stdout.split('\n').find((text) => text.includes(`a reader of version ${version} reads`))!
      const [, read, first, second] = /reads (\d+): (\d+) of schema id 1, (\d+) of schema id 2; 0 refused/.exec(line)!
      expect(read).toBe(written)
      expect(Number(first)).toBeGreaterThan(0)
      expect(Number(second)).toBeGreaterThan(0)
    }
    expect((await run('migrate')).stdout).toContain('nothing to migrate')
  })

  it('goes on in version 2, lands everything, and the ledger agrees', async () => {
    expect((await run('produce', '-n', '2000')).stdout).toContain('in version 2')
    expect((await run('ingest')).code).toBe(0)
    expect(await run('verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('0 differences, 0 not ingested yet'),
    })
    expect((await run('show-data')).stdout).toMatch(/ecommerce-events │.*│ yet|ecommerce-events.*yes/)
    const days = await readdir(join(dataDir, 'lake', 'events', 'raw'))
    expect(days[0]).toMatch(/^event_date=\d{4}-\d\d-\d\d$/)
    expect((await readdir(join(dataDir, 'lake', 'events', 'raw', days[0]!)))[0]).toMatch(/^event_hour=\d\d$/)
  })

  it('analyses both versions, and windows equal a recompute over the lake', async () => {
    const { stdout } = await run('analytics', '--json')
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const { totals } = lines.pop() as { totals: ShopTotals }
    const all = '(select * from user_events union all by name select * from late_user_events)'
    const lake = (await sql('show tables')).flat().includes('late_user_events') ? all : 'user_events'

    const byType = await sql(`select event_type, count(*) from ${lake} group by 1 order by 1`)
    expect(totals.byType.map(({ group, values }) => [group['event_type'], String(values['events'])])).toEqual(byType)
    const [revenue] = await sql(`select sum(price) from ${lake} where event_type = 'PURCHASE'`)
    expect(totals.revenue).toBeCloseTo(Number(revenue![0]), 6)
    const [both] = await sql(
      `select count(*) filter (event_type = 'PURCHASE') / count(*) filter (event_type = 'ADD_TO_CART') from ${lake}`,
    )
    expect(totals.conversion).toBeCloseTo(Number(both![0]), 6)
    expect(totals.bySchema.map(({ group }) => group['_schema_id'])).toEqual([1, 2])

    // The lateness of the windows is that of the lake, and windows wait for the slowest partition: no row of the lake is late.
    const windows = lines as unknown as (Omit<ShopWindow, 'start'> & {
      readonly start: string
      readonly events: number
    })[]
    const minutes = windows.filter(({ window }) => window === 'events_per_minute')
    const expected = await sql(
      `select (timestamp // 60000) * 60000, event_type, count(*) from user_events group by 1, 2 order by 1, 2`,
    )
    const found = minutes.map(
      (line) =>
        [String(Date.parse(line.start)), (line as unknown as { event_type: string }).event_type, line.events] as const,
    )
    const late = totals.windowed.late
    const lateRows = lake === all ? Number((await sql('select count(*) from late_user_events'))[0]![0]) : 0
    expect(late).toBeLessThanOrEqual(lateRows)
    const counted = found.reduce((sum, [, , events]) => sum + events, 0)
    expect(counted).toBe(totals.windowed.rows - late)
    // Row for row where no late record plays a part.
    const inLake = new Map(expected.map(([start, type, events]) => [`${start}/${type}`, Number(events)]))
    const differing = found.filter(([start, type, events]) => inLake.get(`${start}/${type}`) !== events)
    expect(differing.length).toBeLessThanOrEqual(lateRows - late)
    expect(found.length).toBeGreaterThan(50)
  })

  it('passes doctor', async () => {
    const examined = await run('doctor')
    expect(examined).toMatchObject({ code: 0, stdout: expect.stringContaining('0 failed') })
    expect(examined.stdout).toContain('store: conditional writes')
  })

  it('rolls back: writers use version 1 again, and everything is still read', async () => {
    expect((await run('produce', '-n', '500', '--schema-version', '1')).stdout).toContain('in version 1')
    expect((await run('ingest')).code).toBe(0)
    expect((await run('verify')).code).toBe(0)
  })

  it('cleans up', async () => {
    expect((await run('clean')).code).toBe(0)
    expect(await readdir(dataDir)).toEqual([])
  })
})
