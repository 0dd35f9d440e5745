import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { listFeeds, readLedgerSummary } from '@sluice/generators'
import { runCli } from '@sluice/runtime'
import { addCommands } from '@sluice/simulator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-generate-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function generate(words: string, env: Record<string, string> = {}): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const texts = [stdout, stderr].map((stream) => {
    let text = ''
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
    return () => text
  })
  const streams = { stdout, stderr: stderr as unknown as NodeJS.WriteStream, env }
  const code = await runCli(
    {
      name: 'sluice-generate',
      description: '',
      version: '0.0.0',
      setUp: (program) => addCommands(program, streams),
      stderr: (text) => void stderr.write(text),
    },
    words.split(' '),
  )
  await new Promise((resolve) => setImmediate(resolve))
  return { code, stdout: texts[0]!(), stderr: texts[1]!() }
}

const at = (name: string) => join(folder, name)

describe('list and describe', () => {
  it('name every feed', async () => {
    const { stdout } = await generate('list')
    for (const { name } of listFeeds()) expect(stdout).toContain(name)
    const feeds = JSON.parse((await generate('list --json')).stdout) as { feed: string; versions: number[] }[]
    expect(feeds.map(({ feed }) => feed)).toEqual(listFeeds().map(({ name }) => name))
    expect(feeds.find(({ feed }) => feed === 'ecommerce-events')!.versions).toEqual([1, 2])
  })

  it('describe fields, rules, faults and a sample', async () => {
    const { stdout } = await generate('describe pharma.deviations')
    for (const text of [
      'capa',
      'record of capa_id',
      'closed_has_root_cause',
      'bad_magic',
      '"deviation_id"',
      'enum MINOR MAJOR CRITICAL',
    ]) {
      expect(stdout).toContain(text)
    }
    const described = JSON.parse((await generate('describe pharma --json')).stdout) as unknown[]
    expect(described).toHaveLength(4)
  })
})

describe('run', () => {
  it('writes JSON lines to standard output, and what it has to say to standard error', async () => {
    const { code, stdout, stderr } = await generate('run events_raw -n 50 --seed 7 --faults none')
    expect(code).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines).toHaveLength(50)
    expect(JSON.parse((JSON.parse(lines[0]!) as { value: string }).value)).toHaveProperty('idempotency_key')
    expect(stderr).toMatch(/generate 50\/50 events/)
    expect(stderr).toMatch(/50 events in/)
    expect((await generate('run events_raw -n 50 --seed 7 --faults none -q')).stdout).toBe(stdout)
    expect((await generate('run events_raw -n 50 --seed 8 --faults none -q')).stdout).not.toBe(stdout)
  })

  it('writes a log with ledger and registry, goes on, and adds nothing to either by accident', async () => {
    const words = `run pharma -n 3000 -q --json --seed go --to log:${at('log')} --ledger ${at('l.jsonl')} --registry ${at('r')}`
    const first = JSON.parse((await generate(words)).stdout) as { records: number; run: number }
    expect([first.records, first.run]).toEqual([3000, 0])
    expect(await generate(words)).toMatchObject({ code: 3, stderr: expect.stringContaining('LEDGER_EXISTS') })
    const second = JSON.parse((await generate(`${words} --continue`)).stdout) as { records: number; run: number }
    expect([second.records, second.run]).toEqual([3000, 1])
    const { topics } = (await readLedgerSummary(at('l.jsonl')))!
    const ends = Object.values(topics).flatMap(({ nextOffsets }) => nextOffsets)
    expect(ends.reduce((sum, end) => sum + end, 0)).toBe(6000)
    expect((await readFile(at('l.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(6000)
    const other = words.replace(at('l.jsonl'), at('m.jsonl'))
    expect(await generate(other)).toMatchObject({ code: 3, stderr: expect.stringContaining('LEDGER_BEHIND') })
    expect(await generate(`${words} --continue --seed gone`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('OPTIONS_CONFLICT'),
    })
    expect(await generate(`${words} --partitions 4 --continue`)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('PARTITIONS_DIFFER'),
    })
    expect(await generate(`run pharma -n 1 --continue --ledger ${at('none.jsonl')}`)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('LEDGER_MISSING'),
    })
  })

  it('writes to several targets; files go on with their offsets', async () => {
    const words = `run telco -n 200 -q --partitions 1 --to jsonl:${at('files')} --to log:${at('copy')} --ledger ${at('t.jsonl')}`
    expect((await generate(words)).code).toBe(0)
    expect((await generate(`${words} --continue`)).code).toBe(0)
    const offsets: number[] = []
    for (const day of await readdir(at('files/telco.customers'))) {
      for (const file of (await readdir(at(`files/telco.customers/${day}`))).sort()) {
        const text = await readFile(at(`files/telco.customers/${day}/${file}`), 'utf8')
        for (const line of text.trim().split('\n')) offsets.push((JSON.parse(line) as { offset: number }).offset)
      }
    }
    expect(offsets.sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i))
  })

  it('takes the schema version, alone or mixed', async () => {
    const versionsOf = async (words: string) => {
      const { stdout } = await generate(`run ecommerce -n 400 -q ${words}`)
      const ids = stdout
        .trim()
        .split('\n')
        .map((line) => {
          const { value } = JSON.parse(line) as { value: { base64: string } }
          return Buffer.from(value.base64, 'base64').readUInt32BE(1)
        })
      return [...Map.groupBy(ids, (id) => id).values()].map(({ length }) => length)
    }
    expect(await versionsOf('--faults none')).toEqual([400])
    expect(await versionsOf('--faults none --schema-version 1')).toEqual([400])
    const mixed = await versionsOf('--faults old_version=50%')
    expect(mixed).toHaveLength(2)
    expect(Math.min(...mixed)).toBeGreaterThan(150)
    expect(await generate('run telco -n 1 --schema-version 2')).toMatchObject({ code: 2 })
  })

  it('only says what it would do with --dry-run', async () => {
    const { code, stdout } = await generate(
      `run pharma --dry-run --rate ramp:from=10,to=500,over=30s --for 2m --faults default,tombstone=2% --to log:${at('dry')}`,
    )
    expect(code).toBe(0)
    expect(stdout).toContain('about 52,650 events')
    expect(stdout).toMatch(/tombstone\s+│\s+2 %/)
    expect(await readdir(folder)).not.toContain('dry')
  })

  it('checks the registry with --dry-run, and shows it without its password', async () => {
    const dry = (registry: string, env = {}) => generate(`run pharma -n 5 --dry-run --registry ${registry}`, env)
    expect((await dry(at('dry-registry'))).stdout).toContain(`registry: ${at('dry-registry')}`)
    expect(await readdir(folder)).not.toContain('dry-registry')
    const { stdout } = await dry('https://me:secret-7@registry.example/api')
    expect(stdout).toContain('registry: https://registry.example/api\n')
    expect(stdout).not.toContain('secret-7')
    const token = { SLUICE_GENERATE_REGISTRY_ACCESS__TOKEN: 'token-7' }
    expect((await dry('https://registry.example', token)).code).toBe(0)
    const plain = await dry('http://registry.example', token)
    expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining('REGISTRY_INVALID') })
    expect(plain.stderr).not.toContain('token-7')
  })

  it('stops after real time, at the rate', async () => {
    const { stdout } = await generate(`run ecommerce --rate 400 --for 1s -q --json --to jsonl:${at('timed')}`)
    const figures = JSON.parse(stdout) as { records: number; elapsedMs: number; wanted: number }
    expect(figures.elapsedMs).toBeGreaterThanOrEqual(1000)
    expect(Math.abs(figures.records - figures.wanted)).toBeLessThanOrEqual(0.05 * figures.wanted)
  })

  it('reads options from a file and the environment, flags first', async () => {
    await writeFile(at('run.yaml'), 'count: 5\nseed: file\nfaults: none\n')
    const words = `run telco -q -c ${at('run.yaml')}`
    const lines = async (env: Record<string, string>, more = '') =>
      (await generate(`${words}${more}`, env)).stdout.trim().split('\n').length
    expect(await lines({})).toBe(5)
    expect(await lines({ SLUICE_GENERATE_COUNT: '6' })).toBe(6)
    expect(await lines({ SLUICE_GENERATE_COUNT: '6' }, ' -n 7')).toBe(7)
    expect(await generate(words, { SLUICE_GENERATE_COUTN: '1' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean count?'),
    })
  })

  it.each([
    ['run telco --rate fast', 'RATE_UNREADABLE'],
    ['run telco --rate ramp:from=1', 'RATE_UNREADABLE'],
    ['run telco --rate burst:base=1,peak=2,every=1s,burst=2s', 'RATE_INVALID'],
    ['run telco --rate soak:rate=5,for=1s', 'RATE_UNREADABLE'],
    ['run telco --faults late', 'FAULTS_UNREADABLE'],
    ['run telco --faults gremlins=1%', 'FAULTS_UNREADABLE'],
    ['run telco --faults late=60%,duplicate=60%', 'FAULT_RATE_INVALID'],
    ['run telco --rate 5 --speed-up 5', 'OPTIONS_CONFLICT'],
    ['run telco --to ftp://nowhere', 'TARGET_INVALID'],
    ['run telco --to log:', 'TARGET_INVALID'],
    ['run nothing', 'FEED_UNKNOWN'],
    ['run telco --count many', 'CONFIG_INVALID'],
    ['run telco --speed', 'unknown option'],
  ])('refuses `%s` with %s', async (words, message) => {
    const ended = await generate(words)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(message)
  })
})
