import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { findFeed, type LedgerEntry, readLedger } from '@sluice/generators'
import { createHttpRegistry, type HttpRegistry } from '@sluice/schemas'
import { executeRun, planRun, runConfig, type RunResult } from '@sluice/simulator'
import { testServices, type TestServices } from '@sluice-tools/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { maxRecordBytes } from './support/feed-log.ts'
import { landAndCompare } from './support/land-feeds.ts'

let services: TestServices
let url: string
let registry: HttpRegistry
let folder: string

beforeAll(async () => {
  services = await testServices(['apicurio'])
  url = services.env['SCHEMA_REGISTRY_URL']!
  registry = createHttpRegistry({ url })
  folder = await mkdtemp(join(tmpdir(), 'sluice-simulator-registry-'))
}, 900_000)

afterAll(async () => {
  registry.close()
  await services.release()
  await rm(folder, { recursive: true, force: true })
})

const at = (name: string) => join(folder, name)

const run = (words: readonly string[], options: Record<string, unknown>): Promise<RunResult> =>
  executeRun(planRun(words, runConfig.parse({ partitions: 2, ...options })), {
    stdout: new PassThrough(),
    signal: new AbortController().signal,
  })

/** Stands before the registry and asks who is there, as those of companies do. */
async function guarded(expected: string): Promise<{ server: Server; address: string; refused: () => number }> {
  let refused = 0
  const server = createServer((request, response) => {
    const bodies: Buffer[] = []
    request.on('data', (chunk: Buffer) => bodies.push(chunk))
    request.on('end', () => {
      if (request.headers.authorization !== expected) {
        refused++
        response.writeHead(401, { 'content-type': 'application/json' })
        response.end('{"error_code":40101,"message":"who is there?"}')
        return
      }
      void fetch(`${new URL(url).origin}${request.url}`, {
        method: request.method!,
        headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        ...(bodies.length === 0 ? {} : { body: Buffer.concat(bodies) }),
      }).then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
        response.end(await answer.text())
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { server, address: `http://127.0.0.1:${port}${new URL(url).pathname}`, refused: () => refused }
}

describe('--registry with a URL', () => {
  it('registers both versions there, writes with its ids, and the pipeline that asks it agrees with the ledger', async () => {
    const ledgerFile = at('ledger.jsonl')
    await run(['ecommerce'], {
      to: [`log:${at('log')}`],
      ledger: ledgerFile,
      registry: url,
      seed: 'apicurio',
      count: 2000,
      maxRecordBytes,
      faults: 'default,old_version=30%,unknown_schema_id=2%,foreign_schema_id=2%,schema_header=2%',
    })
    const { contract } = findFeed('ecommerce-events').feed
    const versions = await registry.versions(contract.subject)
    expect(versions.length).toBeGreaterThanOrEqual(2)

    const ledger: LedgerEntry[] = []
    for await (const entry of readLedger(ledgerFile)) ledger.push(entry)
    for (const code of ['schema_unknown', 'schema_not_allowed']) {
      expect(ledger.some((entry) => entry.code === code)).toBe(true)
    }
    const { diff } = await landAndCompare({ log: at('log'), registry, ledger }, { contracts: [contract] })
    expect(diff).toEqual({ compared: 2000, pending: 0, differences: [] })
  })

  it.each([
    ['a user', { username: 'writer', password: 'pass-1' }, `Basic ${Buffer.from('writer:pass-1').toString('base64')}`],
    ['a token', { token: 'token-1' }, 'Bearer token-1'],
  ])('shows %s, and writes nothing when that is refused', async (kind, registryAccess, expected) => {
    const guard = await guarded(expected)
    try {
      const to = [`jsonl:${at(kind)}`]
      const options = { registry: guard.address, count: 20, to }
      await expect(run(['ecommerce'], options)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
      expect(guard.refused()).toBeGreaterThan(0)
      expect(await readdir(folder)).not.toContain(kind)
      expect(await run(['ecommerce'], { ...options, registryAccess })).toMatchObject({ summary: { records: 20 } })
    } finally {
      guard.server.closeAllConnections()
      guard.server.close()
    }
  })

  it('writes nothing when no registry answers', async () => {
    const options = { registry: 'http://127.0.0.1:1', count: 5, to: [`jsonl:${at('outage')}`] }
    await expect(run(['ecommerce'], options)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    expect(await readdir(folder)).not.toContain('outage')
  })

  it.each([
    ['a scheme that is none of HTTP', 'ftp://registry.example', {}],
    ['no URL', 'http://', {}],
    ['a user without password', 'http://127.0.0.1:1', { username: 'me' }],
    ['a user and a token', 'http://127.0.0.1:1', { username: 'me', password: 'p', token: 't' }],
    ['a secret over plain http', 'http://registry.example', { token: 't' }],
    ['a user in the URL and another', 'http://me:secret-7@127.0.0.1:1', { token: 't' }],
    ['a certificate file that is not there', 'https://registry.example', { caFile: '/nowhere/ca.pem' }],
  ])('refuses %s before anything happens', async (_, registryUrl, registryAccess) => {
    const refused = run(['ecommerce'], { registry: registryUrl, registryAccess, count: 1, to: [`log:${at('never')}`] })
    await expect(refused).rejects.toMatchObject({ code: 'REGISTRY_INVALID', exitCode: 2 })
    await expect(refused).rejects.not.toThrow(/secret-7/)
    expect(await readdir(folder)).not.toContain('never')
  })
})
