import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHttpRegistry, type HttpRegistry, type HttpRegistryOptions } from '../src/index.ts'
import { reply, startStubRegistry, type StubMode, type StubRegistry } from './support/stub-registry.ts'

const schema = '{"type":"record","name":"A","fields":[]}'
let stub: StubRegistry
let clients: HttpRegistry[]

beforeEach(async () => {
  clients = []
  stub = await startStubRegistry()
  stub.schemas.set(1, { schema, subjects: ['a-value', 'b-value'] })
})

afterEach(async () => {
  for (const client of clients) client.close()
  await stub.close()
})

/** A client that loses no time, but for what a test is about. */
function client(options: Partial<HttpRegistryOptions> = {}): HttpRegistry {
  const memory = { recheckMs: 1, ...options.memory }
  const made = createHttpRegistry({ url: stub.url, backOffMs: 1, ...options, memory })
  clients.push(made)
  return made
}

/** Answers the first `times` calls in a bad way, then behaves. */
function first(times: number, bad: StubMode): StubMode {
  let left = times
  return (...call) => (left-- > 0 ? bad(...call) : true)
}

const html = '<html><body>Bad Gateway</body></html>'
const outage = { code: 'REGISTRY_UNAVAILABLE' }

describe('answers about ids', () => {
  it('asks once for an id, however many ask, and never again (fault 40)', async () => {
    const registry = client()
    const answers = await Promise.all(Array.from({ length: 500 }, () => registry.getById(1)))
    expect(answers[499]).toEqual({ id: 1, schema, subjects: ['a-value', 'b-value'] })
    expect(stub.calls.map((call) => call.path)).toEqual(['/schemas/ids/1', '/schemas/ids/1/versions?deleted=true'])
    await stub.close()
    expect(await registry.getById(1)).toMatchObject({ id: 1 })
    expect(registry.lookups).toBe(1)
  })

  it('re-checks an unknown id, then leaves it alone for a while (fault 41)', async () => {
    let now = 0
    const clock = {
      now: () => now,
      // Pauses end at once, the time limit of a call does not.
      after(ms: number, fn: () => void) {
        const timer = setTimeout(fn, ms > 1_000 ? ms : 1)
        return () => clearTimeout(timer)
      },
    }
    const registry = client({ memory: { checks: 3, unknownTtlMs: 5_000, clock } })
    const asked = () => stub.calls.filter((call) => call.path.endsWith('/9')).length
    const answers = await Promise.all(Array.from({ length: 10_000 }, () => registry.getById(9)))
    expect(new Set(answers)).toEqual(new Set([undefined]))
    expect(asked()).toBe(3)
    await registry.getById(9)
    expect(asked()).toBe(3)
    now = 5_001
    stub.schemas.set(9, { schema, subjects: [] })
    expect(await registry.getById(9)).toMatchObject({ id: 9, subjects: [] })
    expect(asked()).toBe(4)
  })

  it('never asks about ids that no registry gives out (input 4)', async () => {
    const registry = client()
    for (const id of [2 ** 31, 2 ** 32 - 1, -1, 1.5, NaN]) expect(await registry.getById(id)).toBeUndefined()
    expect(stub.calls).toEqual([])
  })

  it('asks again for the subjects of a known id, and notices another schema under it (fault 43, input 5)', async () => {
    const registry = client()
    await registry.getById(1)
    stub.schemas.get(1)!.subjects.push('c-value')
    expect((await registry.refresh(1, 60_000))!.subjects).not.toContain('c-value')
    expect((await registry.refresh(1, 0))!.subjects).toContain('c-value')
    stub.schemas.get(1)!.schema = ' { "name": "A", "type": "record", "fields": [] } '
    expect(await registry.refresh(1, 0)).toBeDefined()
    stub.schemas.get(1)!.schema = '{"type":"record","name":"B","fields":[]}'
    await expect(registry.refresh(1, 0)).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' })
  })

  it('tells what is not Avro', async () => {
    stub.schemas.set(2, { schema: '{"type":"object"}', subjects: ['a-value'], extra: { schemaType: 'JSON' } })
    expect(await client().getById(2)).toMatchObject({ schemaType: 'JSON' })
  })

  it('lets one caller leave without the others, and gives the call up when all have left', async () => {
    let closed = 0
    let arrived = () => {}
    const here = new Promise<void>((resolve) => (arrived = resolve))
    stub.mode = (_, response) => {
      response.on('close', () => (closed += 1))
      arrived()
    }
    const registry = client()
    const [a, b] = [new AbortController(), new AbortController()]
    const both = [registry.getById(1, a.signal), registry.getById(1, b.signal)]
    await here
    a.abort(new Error('first left'))
    await expect(both[0]).rejects.toThrow('first left')
    expect(closed).toBe(0)
    b.abort(new Error('second left'))
    await expect(both[1]).rejects.toThrow('second left')
    await expect.poll(() => closed).toBe(1)
    stub.mode = () => true
    expect(await registry.getById(1)).toMatchObject({ id: 1 })
  })
})

describe('a registry, or something before it, that misbehaves (faults 39, 42)', () => {
  const passing: [string, StubMode][] = [
    ['500', (_, response) => reply(response, 500, { error_code: 50001, message: 'store' })],
    ['503 with a page', (_, response) => reply(response, 503, html, { 'content-type': 'text/html' })],
    ['429', (_, response) => reply(response, 429, {}, { 'retry-after': '0' })],
    ['a page with status 200', (_, response) => reply(response, 200, html, { 'content-type': 'text/html' })],
    ['a page with status 404', (_, response) => reply(response, 404, html, { 'content-type': 'text/html' })],
    ['JSON of something else with status 404', (_, response) => reply(response, 404, { message: 'no route' })],
    ['a connection that is cut', (_, __, request) => void request.socket.destroy()],
    [
      'an answer that is cut',
      (_, response, request) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('{"schema":', () => request.socket.destroy())
      },
    ],
    ['compressed bytes', (_, response) => reply(response, 200, 'x', { 'content-encoding': 'gzip' })],
    ['bytes that are not UTF-8', (_, response) => void response.end(Buffer.from([0x22, 0xff, 0x22]))],
  ]
  it.each(passing)('tries again after %s', async (_, bad) => {
    stub.mode = first(3, bad)
    expect(await client().getById(1)).toMatchObject({ id: 1, schema })
  })

  it.each(passing)('takes %s for an outage when it stays, and remembers nothing of it', async (_, bad) => {
    stub.mode = bad
    const registry = client()
    await expect(registry.getById(1)).rejects.toMatchObject(outage)
    expect(stub.calls).toHaveLength(4)
    stub.mode = () => true
    expect(await registry.getById(1)).toMatchObject({ id: 1 })
  })

  it('gives up an answer that is slow to start, or trickles', async () => {
    stub.mode = () => undefined
    await expect(client({ timeoutMs: 50, attempts: 2 }).getById(1)).rejects.toThrow(/no answer in 50 ms \(attempt 2\)/)
    stub.mode = (_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write(' '), 5)
      response.on('close', () => clearInterval(timer))
    }
    await expect(client({ timeoutMs: 100, attempts: 1 }).getById(1)).rejects.toMatchObject(outage)
  })

  it('holds all attempts together to one deadline, also when it is told to wait for longer', async () => {
    stub.mode = () => undefined
    const slow = client({ timeoutMs: 10_000, deadlineMs: 80, attempts: 100 })
    await expect(slow.getById(1)).rejects.toThrow(/no answer in 80 ms/)
    stub.mode = (_, response) => reply(response, 503, {}, { 'retry-after': '3600' })
    await expect(client().getById(1)).rejects.toThrow(/status 503$/)
    expect(stub.calls.length).toBe(2)
  })

  it('reads no more than the cap, told or untold', async () => {
    stub.mode = (_, response) => reply(response, 200, 'x', { 'content-length': '99999999' })
    await expect(client({ maxResponseBytes: 1000 }).getById(1)).rejects.toThrow(/more than 1000 bytes/)
    let sent = 0
    stub.mode = (_, response) => {
      response.writeHead(200)
      const more = (): void => {
        if (response.destroyed || sent > 64 * 1024 * 1024) return
        sent += 65_536
        response.write(Buffer.alloc(65_536, 32), more)
      }
      more()
    }
    await expect(client({ maxResponseBytes: 1000 }).getById(1)).rejects.toThrow(/more than 1000 bytes/)
    expect(sent).toBeLessThan(64 * 1024 * 1024)
  })

  it('follows a redirect within its origin, and none to another host, port or by POST', async () => {
    stub.mode = first(1, (call, response) => reply(response, 307, '', { location: `/moved/..${call.path}` }))
    expect(await client().getById(1)).toMatchObject({ id: 1 })
    const other = await startStubRegistry()
    other.schemas.set(1, { schema, subjects: [] })
    stub.mode = (call, response) => reply(response, 302, '', { location: other.url + call.path })
    const auth = { kind: 'bearer', token: 'marker' } as const
    await expect(client({ auth }).getById(1)).rejects.toThrow(/redirect to another host/)
    expect(other.calls).toEqual([])
    await other.close()
    stub.mode = (_, response) => reply(response, 307, '', { location: '/' })
    await expect(client().getById(1)).rejects.toThrow(/more than 3 redirects/)
    await expect(client().register('a-value', schema)).rejects.toThrow(/redirect of POST/)
    stub.mode = (_, response) => reply(response, 302, '')
    await expect(client().getById(1)).rejects.toMatchObject(outage)
  })

  it('says that the path of the URL is wrong, instead of that an id is unknown', async () => {
    stub.mode = (_, response) => reply(response, 404, { error_code: 404, message: 'HTTP 404 Not Found' })
    await expect(client().getById(1)).rejects.toThrow(/is the path of the URL right/)
  })

  it.each([
    ['no schema', '/schemas/ids/1', {}],
    ['no list of subjects', '/schemas/ids/1/versions?deleted=true', { subject: 'a' }],
    ['a subject that is none', '/schemas/ids/1/versions?deleted=true', [{ subject: 7 }]],
  ])('calls an answer with %s corrupt', async (_, path, json) => {
    stub.mode = (call, response) => (call.path === path ? reply(response, 200, json) : true)
    await expect(client().getById(1)).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' })
  })
})

describe('credentials', () => {
  const marker = 'pa55-marker'
  const secret = { reveal: () => marker, toString: () => '***', toJSON: () => '***' }
  const basic = `Basic ${Buffer.from(`me:${marker}`).toString('base64')}`

  it('sends a password or a token, given as text, as a secret, in the URL or by a function', async () => {
    const cases: [Partial<HttpRegistryOptions>, string][] = [
      [{ auth: { kind: 'basic', username: 'me', password: secret } }, basic],
      [{ url: stub.url.replace('//', `//me:${marker}@`) }, basic],
      [{ auth: { kind: 'bearer', token: secret } }, `Bearer ${marker}`],
      [{ auth: { kind: 'bearer', token: () => Promise.resolve(marker) } }, `Bearer ${marker}`],
    ]
    for (const [options, expected] of cases) {
      await client(options).getById(1)
      expect(stub.calls.at(-1)!.authorization).toBe(expected)
    }
  })

  it('asks once for another token when one has expired, and takes a refusal for no word about the id', async () => {
    const tokens = ['old', 'new']
    stub.mode = (call, response) => (call.authorization === 'Bearer old' ? reply(response, 401, {}) : true)
    const auth = { kind: 'bearer', token: () => tokens.shift() ?? 'new' } as const
    expect(await client({ auth }).getById(1)).toMatchObject({ id: 1 })
    stub.mode = (_, response) => reply(response, 401, {})
    const before = stub.calls.length
    await expect(client({ auth }).getById(1)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
    expect(stub.calls.length - before).toBe(2)
    await expect(client().getById(1)).rejects.toThrow(/asks for credentials/)
    const fails = { kind: 'bearer', token: () => Promise.reject(new Error('vault is sealed')) } as const
    await expect(client({ auth: fails }).getById(1)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
    const broken = { kind: 'bearer', token: `${marker}\r\nx: y` } as const
    await expect(client({ auth: broken }).getById(1)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
  })

  it('shows them nowhere', async () => {
    const url = stub.url.replace('//', `//me:${marker}@`)
    stub.mode = (_, response) => reply(response, 403, {})
    const registry = client({ url })
    const error = await registry.getById(1).catch((thrown: unknown) => thrown)
    const texts = [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), inspect(registry)]
    await stub.close()
    texts.push(inspect(await registry.latest('a').catch((thrown: unknown) => thrown), { depth: 20, showHidden: true }))
    for (const bad of [`http://me:${marker}@[`, `http://me:${marker}@registry.example`, `ftp://me:${marker}@x`]) {
      try {
        createHttpRegistry({ url: bad })
      } catch (thrown) {
        texts.push(inspect(thrown, { depth: 20, showHidden: true }))
      }
    }
    expect(texts).toHaveLength(7)
    expect(texts.filter((text) => text.includes(marker) || text.includes(basic.slice(6)))).toEqual([])
  })

  it('sends them to another machine over https only, unless told otherwise', () => {
    const auth = { kind: 'bearer', token: 't' } as const
    const url = 'http://registry.example'
    expect(() => createHttpRegistry({ url, auth })).toThrow(/plain http/)
    expect(() => createHttpRegistry({ url, auth, allowPlainAuth: true })).not.toThrow()
    expect(() => createHttpRegistry({ url: 'https://registry.example', auth })).not.toThrow()
  })
})

describe('addresses (input 35)', () => {
  it.each([
    ['file:///etc/passwd', /http or https/],
    ['http://169.254.169.254/latest', /link-local/],
    ['http://2852039166/', /link-local/],
    ['http://[::ffff:169.254.169.254]/', /link-local/],
    ['http://[fe80::1]/', /link-local/],
    ['http://registry.example/?x=1', /end with its path/],
    ['registry', /not a URL/],
  ])('refuses %s', (url, text) => {
    expect(() => createHttpRegistry({ url })).toThrow(text)
  })

  it('holds a URL that comes from elsewhere to the hosts allowed', () => {
    const allowedHosts = ['registry.example', 'other.example:8081']
    for (const url of ['https://registry.example/x', 'https://registry.example:9/', 'https://other.example:8081']) {
      expect(() => createHttpRegistry({ url, allowedHosts })).not.toThrow()
    }
    for (const url of ['https://evil.example', 'https://other.example', 'https://registry.example.evil.example']) {
      expect(() => createHttpRegistry({ url, allowedHosts })).toThrow(/not among the allowed/)
    }
  })

  it('refuses subjects that would be another path', async () => {
    for (const subject of ['', '.', '..', '\ud800']) await expect(client().latest(subject)).rejects.toThrow(TypeError)
    expect(stub.calls).toEqual([])
  })
})

describe('TLS (fault 38)', () => {
  const pem = (name: string): Promise<string> => readFile(new URL(`support/tls/${name}.pem`, import.meta.url), 'utf8')

  it('trusts the authority given, and nobody else', async () => {
    const secure = await startStubRegistry({ cert: await pem('server'), key: await pem('server.key') })
    secure.schemas.set(1, { schema, subjects: [] })
    const ca = await pem('ca')
    expect(await client({ url: secure.url, ca }).getById(1)).toMatchObject({ id: 1 })
    const before = secure.calls.length
    await expect(client({ url: secure.url }).getById(1)).rejects.toThrow(/TLS certificate/)
    const wrongHost = `https://127.0.0.1:${secure.port}`
    await expect(client({ url: wrongHost, ca }).getById(1)).rejects.toThrow(/ERR_TLS_CERT_ALTNAME_INVALID/)
    expect(secure.calls).toHaveLength(before)
    await secure.close()
  })
})

describe('references', () => {
  it('puts referenced types in, each once, with their own namespaces', async () => {
    const address = { type: 'record', name: 'Address', namespace: 'shop', fields: [{ name: 'at', type: 'Street' }] }
    const street = { type: 'record', name: 'shop.Street', fields: [{ name: 'n', type: 'int' }] }
    const order = {
      type: 'record',
      name: 'com.Order',
      fields: [
        { name: 'from', type: 'shop.Address' },
        { name: 'to', type: ['null', 'shop.Address'] },
        { name: 'streets', type: { type: 'array', items: 'shop.Street' } },
      ],
    }
    const reference = (name: string) => [{ name, subject: name, version: 1 }]
    const served: Record<string, unknown> = {
      'shop.Address': { schema: JSON.stringify(address), references: reference('shop.Street') },
      'shop.Street': { schema: JSON.stringify(street) },
    }
    stub.schemas.set(5, {
      schema: JSON.stringify(order),
      subjects: [],
      extra: { references: reference('shop.Address') },
    })
    stub.mode = (call, response) => {
      const subject = /^\/subjects\/(.*)\/versions\/1$/.exec(call.path)?.[1]
      return subject === undefined ? true : reply(response, 200, served[subject])
    }
    const found = await client().getById(5)
    expect(found!.schema).toEqual({
      type: 'record',
      name: 'com.Order',
      fields: [
        { name: 'from', type: { ...address, fields: [{ name: 'at', type: { ...street, namespace: 'shop' } }] } },
        { name: 'to', type: ['null', 'shop.Address'] },
        { name: 'streets', type: { type: 'array', items: 'shop.Street' } },
      ],
    })
    stub.schemas.get(5)!.extra = { references: reference('gone') }
    served['gone'] = {}
    await expect(client().getById(5)).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' })
  })
})
