import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runSchemasCli } from '../src/cli/program.ts'
import { reply, startStubRegistry } from './support/stub-registry.ts'

let folder: string
let contracts: string

const record = (...fields: object[]): string => JSON.stringify({ type: 'record', name: 'Order', fields }, null, 2)
const id = { name: 'id', type: 'string', doc: 'What it goes by.' }
const price = { name: 'price', type: ['null', 'double'], default: null }
const good = record(id, price)
const breaking = record(id, { name: 'price', type: 'double' })

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  contracts = join(folder, 'team/contracts')
  write('team/contracts/shop/Order/v1.avsc', record(id))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return runWith({}, ...args)
}

async function runWith(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await runSchemasCli(args, {
    version: '1.2.3',
    env,
    stdout: (text) => (out += text),
    stderr: (text) => (err += text),
  })
  return { code, out, err }
}

const check = (against: string, ...more: string[]) =>
  run('check', '--contracts', contracts, '--against', against, ...more)

describe('check, for the contracts of any team', () => {
  const baselines: [string, () => string][] = [
    [
      'a git ref',
      () => {
        const git = (...args: string[]) => execFileSync('git', args, { cwd: folder })
        git('init', '--quiet')
        git('add', '--all')
        const me = ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', '-c', 'commit.gpgsign=false']
        git(...me, 'commit', '--quiet', '--message', 'first')
        git('tag', 'v1.0.0')
        return 'v1.0.0'
      },
    ],
    [
      'a folder',
      () => {
        cpSync(contracts, join(folder, 'released'), { recursive: true })
        return join(folder, 'released')
      },
    ],
    [
      'a tarball as npm makes it',
      () => {
        write('team/package.json', '{"name":"team","version":"1.0.0"}')
        execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
          cwd: join(folder, 'team'),
        })
        return join(folder, 'team-1.0.0.tgz')
      },
    ],
    [
      'a lock',
      () => {
        // Made by the program itself below.
        return join(folder, 'released.json')
      },
    ],
  ]

  it.each(baselines)('against %s: green for what adds, red for what breaks or edits', async (name, make) => {
    if (name === 'a lock') {
      const locked = await run('lock', '--contracts', contracts, '--file', join(folder, 'released.json'))
      expect(locked).toMatchObject({ code: 0, err: '' })
    }
    const against = make()
    write('team/contracts/shop/Order/v2.avsc', good)
    expect(await check(against)).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/nothing breaks/) as string,
    })
    write('team/contracts/shop/Order/v2.avsc', breaking)
    const refused = await check(against)
    expect(refused.code).toBe(1)
    expect(refused.out).toContain('REFUSED   shop.Order v2, price [field_without_default]')
    expect((await check(against, '--mode', 'FORWARD')).code).toBe(0)
    write('team/contracts/shop/Order/v2.avsc', good)
    write('team/contracts/shop/Order/v1.avsc', good)
    expect((await check(against)).out).toContain('[released_version_edited]')
  })

  it('against a registry over HTTP, with credentials from the environment', async () => {
    const stub = await startStubRegistry()
    stub.mode = (call, response) => {
      if (call.path === '/subjects/shop.Order-value/versions') return reply(response, 200, [1])
      return reply(response, 200, { subject: 'shop.Order-value', version: 1, id: 7, schema: record(id) })
    }
    write('team/contracts/shop/Order/v2.avsc', breaking)
    const args = ['check', '--contracts', contracts, '--against', stub.url, '--json']
    const refused = await runWith({ SCHEMA_REGISTRY_TOKEN: 'marker' }, ...args)
    expect(refused.code).toBe(1)
    expect(stub.calls[0]!.authorization).toBe('Bearer marker')
    expect(JSON.parse(refused.out)).toMatchObject({ passed: false, problems: [{ rule: 'field_without_default' }] })
    await runWith({ SCHEMA_REGISTRY_USERNAME: 'me', SCHEMA_REGISTRY_PASSWORD: 'marker' }, ...args)
    expect(stub.calls.at(-1)!.authorization).toMatch(/^Basic /)
    stub.mode = (_, response) => reply(response, 403, {})
    const denied = await runWith({ SCHEMA_REGISTRY_TOKEN: 'marker' }, ...args)
    expect(denied).toMatchObject({ code: 3, out: '' })
    expect(denied.err).toMatch(/REGISTRY_DENIED/)
    expect(denied.err).not.toContain('marker')
    await stub.close()
  })

  it('annotates for GitHub when asked to', async () => {
    cpSync(contracts, join(folder, 'released'), { recursive: true })
    write('team/contracts/shop/Order/v2.avsc', breaking)
    const { out } = await check(join(folder, 'released'), '--annotations', 'github')
    expect(out).toMatch(/^::error file=.*v2\.avsc,line=11,title=shop\.Order v2 price::\[field_without_default\]/m)
  })

  it.each([
    ['a ref that is not there', 'git:v9', 3, /does not know the ref|git rev-parse failed/],
    ['a tarball that is not there', 'gone.tgz', 3, /there is no file gone\.tgz/],
    ['a folder without contracts', tmpdir() + '/', 2, /./],
    ['a registry that does not answer', 'registry:http://127.0.0.1:1', 3, /REGISTRY_UNAVAILABLE/],
    ['a registry at a bad address', 'http://169.254.169.254/', 2, /link-local/],
  ])('ends otherwise for %s', async (name, against, code, text) => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const answer = await check(name.startsWith('a folder') ? empty : against)
    expect(answer.code).toBe(code)
    expect(answer.err).toMatch(text)
  })

  it('says what words it knows', async () => {
    expect(await run('chek')).toMatchObject({ code: 2 })
    expect((await run('check')).err).toMatch(/--against/)
    expect((await run('check', '--against', 'x', '--mode', 'full')).err).toMatch(/BACKWARD_TRANSITIVE/)
    const help = await run('--help')
    expect(help).toMatchObject({ code: 0 })
    expect(help.out).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 /)
    expect(await run('--version')).toMatchObject({ code: 0, out: '1.2.3\n' })
  })

  it('refuses a tarball that is cut short, or is none', async () => {
    write('x.tgz', 'not gzip')
    expect(await check(join(folder, 'x.tgz'))).toMatchObject({ code: 3 })
  })
})

describe('lock', () => {
  it('writes what is new, and blesses no edit', async () => {
    const file = join(contracts, 'released.json')
    expect((await run('lock', '--contracts', contracts)).out).toContain('released  shop.Order v1')
    const before = readFileSync(file, 'utf8')
    expect((await run('lock', '--contracts', contracts)).out).toContain('nothing new')
    write('team/contracts/shop/Order/v1.avsc', good)
    expect(await run('lock', '--contracts', contracts)).toMatchObject({ code: 1 })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})

describe('list, show, diff', () => {
  it('show contracts to people and programs', async () => {
    write('team/contracts/shop/Order/v2.avsc', good)
    const at = ['--contracts', contracts]
    expect((await run('list', ...at)).out).toMatch(/shop\.Order +avro +v1 v2/)
    expect(JSON.parse((await run('list', ...at, '--json')).out)).toEqual([
      { name: 'shop.Order', format: 'avro', topic: '', versions: [1, 2] },
    ])
    expect((await run('show', 'shop.Order', ...at)).out).toMatch(/price +null \| double +null/)
    expect(JSON.parse((await run('show', 'shop.Order', '--version', '1', '--json', ...at)).out)).toEqual(
      JSON.parse(record(id)),
    )
    expect((await run('show', 'shop.Oder', ...at)).err).toMatch(/did you mean shop\.Order/)
    expect((await run('show', 'shop.Order', '--version', '9', ...at)).code).toBe(2)
    expect((await run('diff', 'shop.Order', ...at)).out).toBe(
      'shop.Order: v1 -> v2\n+ field  price  union of null, double = null\ndeploy first: either\n',
    )
    expect(JSON.parse((await run('diff', 'shop.Order', 'v2', 'v1', '--json', ...at)).out)).toMatchObject({
      from: 2,
      to: 1,
      changes: [{ kind: 'field-removed', path: 'price' }],
      deployFirst: 'either',
    })
    write('team/contracts/shop/Order/v3.avsc', breaking)
    expect((await run('diff', 'shop.Order', '1', '3', ...at)).out).toMatch(/breaks: price: .*\[field_without_default\]/)
    cpSync(join(contracts, 'shop/Order/v1.avsc'), join(folder, 'old/shop/Order/v1.avsc'), { recursive: true })
    const against = await run('diff', 'shop.Order', '--against', join(folder, 'old'), ...at)
    expect(against.out).toMatch(/^shop\.Order: v1 of folder .* -> v3\n/)
  })
})

describe('register', () => {
  it('registers versions in order, and says what the registry refuses', async () => {
    write('team/contracts/shop/Order/v2.avsc', good)
    const registry = join(folder, 'registry')
    const args = ['register', '--contracts', contracts, '--registry', registry]
    expect((await run(...args, '--dry-run')).out).toMatch(/v1 .*would be taken[^]*v2 .*would be taken/)
    const first = await run(...args, '--set-mode', 'BACKWARD')
    expect(first).toMatchObject({ code: 0 })
    expect(first.out).toBe(
      'shop.Order v1  shop.Order-value  registered  id 1\nshop.Order v2  shop.Order-value  registered  id 2\n',
    )
    expect((await run(...args)).out).toBe(first.out)
    write('team/contracts/shop/Order/v3.avsc', record(id, price, { name: 'n', type: 'int' }))
    const refused = await run(...args, '--json')
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.out)).toMatchObject([{ id: 1 }, { id: 2 }, { outcome: 'refused', version: 3 }])
    expect((await run('register', 'nope', '--contracts', contracts, '--registry', registry)).code).toBe(2)
  })
})

describe('generate', () => {
  it('writes types, dictionary and field ids, then finds them fresh', async () => {
    const own = new URL('../contracts', import.meta.url).pathname
    const mine = join(folder, 'mine/ecommerce/UserEvent')
    cpSync(join(own, 'ecommerce/UserEvent'), mine, { recursive: true })
    rmSync(join(mine, 'field-ids.json'))
    const [out, docs] = [join(folder, 'out'), join(folder, 'docs')]
    const args = ['generate', '--contracts', join(folder, 'mine'), '--out', out, '--docs', docs]
    expect(await run(...args, '--check')).toMatchObject({ code: 1 })
    expect((await run(...args)).out).toContain('4 files of 1 contracts, 4 written')
    expect(readFileSync(join(out, 'ecommerce/user-event.ts'), 'utf8')).toContain('export interface UserEvent')
    expect(readFileSync(join(docs, 'ecommerce.md'), 'utf8')).toContain('product_id')
    expect(await run(...args, '--check')).toMatchObject({ code: 0 })
    writeFileSync(join(docs, 'ecommerce.md'), 'edited')
    expect((await run(...args, '--check')).out).toMatch(/differs .*ecommerce\.md/)
  })
})
