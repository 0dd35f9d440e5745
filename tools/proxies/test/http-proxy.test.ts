import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHttpProxy } from '../src/http-proxy.ts'
import type { HttpProxy } from '../src/http-proxy.ts'

/** Answers with what it heard. */
let server: Server
let heard: { method: string; path: string; host: string; body: string; headers: Record<string, unknown> }[]
let proxy: HttpProxy
let origin: string

beforeEach(async () => {
  heard = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      heard.push({ method, path, host: headers.host ?? '', body, headers })
      response.setHeader('x-heard', String(body.length))
      if (path === '/moved') response.setHeader('location', `${origin}/next`)
      response.statusCode = path === '/missing' ? 404 : 200
      response.end(`heard ${body}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  proxy = await createHttpProxy({ target: origin })
})
afterEach(async () => {
  await proxy.close()
  await proxy.close()
  server.closeAllConnections()
  server.close()
})

const put = (body: string, path = '/x?y=1') => fetch(`${proxy.url}${path}`, { method: 'PUT', body })

describe('the HTTP proxy', () => {
  it('passes requests and replies, host, status and headers as they are', async () => {
    const answer = await put('body')
    expect([answer.status, answer.headers.get('x-heard'), await answer.text()]).toEqual([200, '4', 'heard body'])
    expect(heard).toMatchObject([{ method: 'PUT', path: '/x?y=1', host: `127.0.0.1:${proxy.port}`, body: 'body' }])
    expect((await fetch(`${proxy.url}/missing`)).status).toBe(404)
    expect(answer.headers.get('content-length')).toBe('10')
    const head = await fetch(`${proxy.url}/x`, { method: 'HEAD' })
    expect(head.headers.get('x-heard')).toBe('0')
    expect((await fetch(`${proxy.url}/moved`)).headers.get('location')).toBe(`${proxy.url}/next`)
    expect(proxy.log.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'PUT 200',
      'GET 404',
      'HEAD 200',
      'GET 200',
    ])
  })

  it('answers itself, so many times, and the server never hears of it', async () => {
    proxy.rule({ times: 2, fault: { kind: 'answer', status: 503, body: '<Code>SlowDown</Code>' } })
    for (const status of [503, 503, 200]) expect((await put('a')).status).toBe(status)
    expect(heard).toHaveLength(1)
    expect(proxy.log.map(({ fault }) => fault)).toEqual(['answer', 'answer', undefined])
  })

  it('strikes what its rule names, a share of it, and heals', async () => {
    proxy.rule({ when: ({ method, path }) => method === 'PUT' && path.startsWith('/a'), fault: { kind: 'drop' } })
    await expect(put('a', '/a')).rejects.toThrow()
    expect((await put('b', '/b')).status).toBe(200)
    proxy.heal()
    const remove = proxy.rule({ share: 0.3, fault: { kind: 'answer', status: 503 } })
    const statuses = []
    for (let i = 0; i < 100; i++) statuses.push((await put('c')).status)
    const struck = statuses.filter((status) => status === 503).length
    expect(struck).toBeGreaterThan(15)
    expect(struck).toBeLessThan(45)
    remove()
    expect((await put('d')).status).toBe(200)
  })

  it('does it and loses the reply; or replaces it', async () => {
    const strikes: string[] = []
    proxy.rule({ times: 1, fault: { kind: 'lose-reply' }, onStrike: ({ path }) => strikes.push(path) })
    await expect(put('kept')).rejects.toThrow()
    expect(heard.map(({ body }) => body)).toEqual(['kept'])
    expect(strikes).toEqual(['/x?y=1'])
    proxy.rule({ times: 1, fault: { kind: 'replace-reply', body: '<Error/>' } })
    const answer = await put('too')
    expect([answer.status, await answer.text()]).toEqual([200, '<Error/>'])
    expect(heard.map(({ body }) => body)).toEqual(['kept', 'too'])
  })

  it('cuts and spoils requests and replies, changes headers', async () => {
    proxy.rule({ times: 1, fault: { kind: 'cut-request', bytes: 3 } })
    expect(await (await put('abcdef')).text()).toBe('heard abc')
    proxy.rule({ times: 1, fault: { kind: 'cut-reply', bytes: 3 } })
    await expect(put('abcdef').then((answer) => answer.text())).rejects.toThrow()
    proxy.rule({ times: 1, fault: { kind: 'spoil-reply' } })
    expect(await (await put('abc')).text()).not.toBe('heard abc')
    proxy.rule({ times: 1, fault: { kind: 'spoil-request' } })
    expect(await (await put('abc')).text()).not.toBe('heard abc')
    proxy.rule({ times: 1, fault: { kind: 'change-headers', headers: { 'x-new': '1', 'content-type': undefined } } })
    await put('abc')
    expect(heard.at(-1)!.headers).toMatchObject({ 'x-new': '1' })
    expect(heard.at(-1)!.headers).not.toHaveProperty('content-type')
    proxy.rule({ times: 1, fault: { kind: 'change-query', remove: 'b' } })
    await put('abc', '/x?a=1&b=2&c=3')
    expect(heard.at(-1)!.path).toBe('/x?a=1&c=3')
  })

  it('hangs until the client gives up; delays and throttles without loss', async () => {
    proxy.rule({ times: 1, fault: { kind: 'hang' } })
    await expect(fetch(proxy.url, { method: 'PUT', body: 'x', signal: AbortSignal.timeout(200) })).rejects.toThrow(
      /timeout/,
    )
    expect(heard).toEqual([])
    proxy.rule({ times: 1, fault: { kind: 'delay', ms: 20 } })
    proxy.rule({ times: 1, fault: { kind: 'throttle', bytesPerSecond: 5000 } })
    expect(await (await put('abc')).text()).toBe('heard abc')
    expect(await (await put('x'.repeat(1200))).text()).toBe(`heard ${'x'.repeat(1200)}`)
    expect(proxy.log.map(({ fault }) => fault)).toEqual(['hang', 'delay', 'throttle'])
  })
})
