import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A port nobody listens on at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The command set as an operator meets it: one life of a small lake, told in order. */
describe('local-medallion', () => {
  let dataDir: string

  const run = (...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const words = ['--conditions=sluice-source', main, '-d', dataDir, '--log-level', 'error', ...args]
      execFile(process.execPath, words, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      })
    })
  const sql = async (query: string): Promise<string> => (await run('sql', query)).stdout
  const countOf = async (table: string): Promise<number> => {
    const [, count] = /│\s+([\d,]+) │/.exec(await sql(`select count(*) as n from ${table}`))!
    return Number(count!.replaceAll(',', ''))
  }

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-app-'))
  })
  afterAll(() => rm(dataDir, { recursive: true, force: true }))

  it('says what to do first when there is nothing', async () => {
    const ended = await run('ingest')
    expect(ended.code).toBe(3)
    expect(ended.stderr).toContain('SOURCE_MISSING')
    expect(ended.stderr).toContain('run `init`, then `produce`')
  })

  it('refuses unknown words and keys, with the nearest known one', async () => {
    expect(await run('ingset')).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean ingest?') })
    await writeFile(join(dataDir, 'bad.yaml'), 'ingest: { rotateRow: 5 }\n')
    const ended = await run('-c', join(dataDir, 'bad.yaml'), 'status')
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean ingest.rotateRows?') })
  })

  it('produces, lands, shows and verifies', async () => {
    expect((await run('init')).stdout).toContain('bakery.sales_events')
    expect((await run('produce', '-n', '4000', '--seed', '7', '--bad', '0.05')).stdout).toContain(
      'produced 4,000 records',
    )
    const before = await run('verify')
    expect(before).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('0 records compared, 0 differences, 4,000 not ingested yet'),
    })
    expect((await run('ingest')).code).toBe(0)
    const shown = await run('show-data')
    expect(shown.stdout).toMatch(/all\s+│\s+4,000 │/)
    expect(shown.stdout).not.toContain('NO')
    expect((await run('status')).stdout).toMatch(/bakery\.sales_events\s+│\s+0 │\s+0 │/)
    expect(await run('verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('4,000 records compared, 0 differences, 0 not ingested yet'),
    })
  })

  it('goes on where it ended: a second produce and ingest add to the same ledger', async () => {
    expect((await run('produce', '-n', '1000', '--seed', '7', '--bad', '0.05')).code).toBe(0)
    expect((await run('ingest')).code).toBe(0)
    expect(await run('verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('5,000 records compared, 0 differences'),
    })
  })

  it('answers SQL over committed files, and says what is wrong with a query', async () => {
    expect(
      await sql(
        "select count(*) as n, count(distinct date) > 0 as dated from sales_events where sale_type in ('SALE', 'REFUND')",
      ),
    ).toContain('true')
    expect(await sql('show tables')).toContain('dead_letters')
    const ended = await run('sql', 'select nothing from nowhere')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('nowhere')
  })

  it('replays a mended dead letter once, and a second replay does nothing', async () => {
    const listed = await run('dlq', 'list', '--topic', 'bakery.sales_events', '--code', 'trailing_bytes')
    const letters = Number(/trailing_bytes\s+│ open\s+│\s+(\d+)/.exec(listed.stdout)![1])
    const key = /(\S+\/bakery-bronze)/.exec(listed.stdout)![1]!
    expect((await run('dlq', 'show', key)).stdout).toMatch(/code\s+trailing_bytes/)
    const rowsBefore = await countOf('sales_events')
    const fix = join(dataDir, 'fix.mjs')
    // One surplus byte at the end is what one form of the fault adds; other forms stay bad and stay letters.
    await writeFile(fix, 'export default (letter) => letter.value.subarray(0, letter.value.length - 1)\n')
    const select = ['--topic', 'bakery.sales_events', '--code', 'trailing_bytes', '--fix', fix]
    const dry = /would land (\d+), still bad (\d+)/.exec((await run('dlq', 'replay', '--dry-run', ...select)).stdout)!
    expect(Number(dry[1]) + Number(dry[2])).toBe(letters)
    expect(Number(dry[1])).toBeGreaterThan(0)
    const wet = /landed (\d+), still bad (\d+)/.exec((await run('dlq', 'replay', ...select)).stdout)!
    expect([wet[1], wet[2]]).toEqual([dry[1], dry[2]])
    expect((await countOf('sales_events')) - rowsBefore).toBe(Number(wet[1]))
    expect((await run('dlq', 'replay', ...select)).stdout).toContain('landed 0')
    const verified = await run('verify')
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining(`${wet[1]} landed by a replay`) })
    expect(verified.stdout).toContain('; 0 errors')
  })

  it('discards by decision, with a reason', async () => {
    expect((await run('dlq', 'discard', '--code', 'schema_unknown')).stderr).toContain(
      "required option '--reason <text>'",
    )
    const discarded = Number(
      /discarded (\d+)/.exec(
        (await run('dlq', 'discard', '--code', 'schema_unknown', '--reason', 'test traffic')).stdout,
      )![1],
    )
    expect(discarded).toBeGreaterThan(0)
    expect((await run('verify')).stdout).toContain(`${discarded} discarded`)
  })

  it('serves metrics and health while it follows, and drains at the first signal', async () => {
    const port = await freePort()
    const child = execFile(process.execPath, [
      '--conditions=sluice-source',
      main,
      '-d',
      dataDir,
      '--log-level',
      'error',
      'ingest',
      '--follow',
      '--metrics-port',
      String(port),
    ])
    const url = `http://127.0.0.1:${port}`
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
    /** Waits until the child's page answers and `found` says yes to it. */
    const page = async (path: string, found: (response: Response, text: string) => boolean): Promise<void> => {
      while (child.exitCode === null && child.signalCode === null) {
        const response = await fetch(`${url}${path}`).catch(() => undefined)
        if (response !== undefined && found(response, await response.text())) return
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`ended with ${child.exitCode} before ${path} was as expected`)
    }
    const consumed = (text: string): number =>
      [...text.matchAll(/sluice_records_total\{topic="[^"]+",outcome="consumed"\} (\d+)/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      )
    await page('/metrics', (_, text) =>
      text.includes('sluice_lag_records{topic="bakery.sales_events",partition="0"} 0'),
    )
    await page('/ready', ({ status }) => status === 200)
    // What arrives now is decoded at once and would be committed after rotateIdle; the signal must not lose it.
    expect((await run('produce', '-n', '300', '--seed', '7', '--bad', '0.05')).code).toBe(0)
    await page('/metrics', (_, text) => consumed(text) === 300)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(await run('verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('5,300 records compared, 0 differences, 0 not ingested yet'),
    })
  })

  it('finds what was changed behind its back', async () => {
    const folder = join(dataDir, 'lake', 'sales_events')
    const [date] = (await readdir(folder)).sort()
    const file = join(folder, date!, (await readdir(join(folder, date!))).sort()[0]!)
    const body = await readFile(file)
    await appendFile(file, 'x')
    const longer = await run('verify')
    expect(longer).toMatchObject({ code: 5, stdout: expect.stringContaining('error OBJECT_CHANGED') })
    expect(longer.stdout).toContain('missing bakery.sales_events')
    await writeFile(file, body)
    expect((await run('verify')).code).toBe(0)
    await rm(file)
    const missing = await run('verify')
    expect(missing).toMatchObject({ code: 5, stdout: expect.stringContaining('error OBJECT_MISSING') })
    expect(missing.stdout).toContain('missing bakery.sales_events')
  })

  it('refuses to go on when the ledger does not know all of the log', async () => {
    await rm(join(dataDir, 'ledger', 'bakery.jsonl.summary.json'))
    const ended = await run('produce', '-n', '10')
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('LEDGER_BEHIND') })
  })

  it('cleans up what it made, and only that', async () => {
    expect((await run('clean')).code).toBe(0)
    expect((await readdir(dataDir)).sort()).toEqual(['bad.yaml', 'fix.mjs', 'ledger'])
  })
})
