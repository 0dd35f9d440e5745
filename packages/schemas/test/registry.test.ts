import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contracts, createFileRegistry, type AvroSchema } from '../src/index.ts'

const schemaOf = (name: string): AvroSchema => ({ type: 'record', name, fields: [] })
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-registry-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

describe('file registry', () => {
  it('gives ids from 1, the same id for the same schema, and remembers them', async () => {
    const registry = createFileRegistry(join(folder, 'new', 'deep'))
    const { schema, subject } = contracts['bakery.SalesEvent']
    expect(await registry.register(subject, schema)).toBe(1)
    expect(await registry.register(subject, JSON.stringify(schema))).toBe(1)
    expect(await registry.register('other-value', schema)).toBe(1)
    expect(await registry.register(subject, schemaOf('Next'))).toBe(2)
    const again = createFileRegistry(join(folder, 'new', 'deep'))
    expect(await again.getById(1)).toEqual({ id: 1, schema, subjects: [subject, 'other-value'] })
    expect(await again.latest(subject)).toEqual({ id: 2, version: 2, schema: schemaOf('Next') })
  })

  it('says undefined for what is not there, and keeps subjects named like object members apart', async () => {
    const registry = createFileRegistry(folder)
    expect(await registry.getById(1)).toBeUndefined()
    expect(await registry.latest('constructor')).toBeUndefined()
    expect(await registry.register('__proto__', schemaOf('A'))).toBe(1)
    expect(await registry.latest('__proto__')).toMatchObject({ id: 1, version: 1 })
    expect(await registry.latest('toString')).toBeUndefined()
  })

  it('separates unavailable and corrupt from unknown (faults 39, 41)', async () => {
    const registry = createFileRegistry(folder)
    await writeFile(join(folder, 'registry.json'), '{"format":"sluice-registry-1","schemas":[')
    await expect(registry.getById(1)).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' })
    await writeFile(join(folder, 'registry.json'), '{}')
    await expect(registry.register('s', schemaOf('A'))).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' })
    expect(await readFile(join(folder, 'registry.json'), 'utf8')).toBe('{}')
    await rm(join(folder, 'registry.json'))
    await mkdir(join(folder, 'registry.json'))
    await expect(registry.getById(1)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
  })

  it('caps schemas before it parses them (input 11)', async () => {
    const registry = createFileRegistry(folder, { limits: { maxBytes: 100 } })
    await expect(registry.register('s', JSON.stringify(schemaOf('A'.repeat(200))))).rejects.toMatchObject({
      code: 'SCHEMA_TOO_LARGE',
    })
    await expect(registry.register('s', '{')).rejects.toMatchObject({ code: 'SCHEMA_INVALID' })
    expect(await registry.register('s', schemaOf('A'))).toBe(1)
  })

  it('takes turns between processes: no id twice, none lost', async () => {
    const script = fileURLToPath(new URL('./support/register.ts', import.meta.url))
    const codes = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (name) => {
        const child = spawn(process.execPath, ['--conditions=sluice-source', script, folder, name], {
          stdio: 'inherit',
        })
        const [code] = (await once(child, 'exit')) as [number]
        return code
      }),
    )
    expect(codes).toEqual([0, 0, 0, 0])
    const registry = createFileRegistry(folder)
    const ids = new Set<number>()
    for (const name of ['a', 'b', 'c', 'd']) {
      const latest = await registry.latest(`${name}-value`)
      expect(latest?.version).toBe(11)
    }
    for (let id = 1; id <= 41; id++) {
      const entry = await registry.getById(id)
      expect(entry).toBeDefined()
      ids.add(id)
    }
    expect(await registry.getById(42)).toBeUndefined()
    expect(ids.size).toBe(41)
    expect(await readdir(folder)).toEqual(['registry.json'])
  })

  it('removes the lock of a dead process, waits for one that lives', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    const lock = join(folder, 'registry.lock')
    const owner = (pid: number): string => JSON.stringify({ host: hostname(), pid, token: 't' })
    await writeFile(lock, owner(child.pid!))
    expect(await createFileRegistry(folder).register('s', schemaOf('A'))).toBe(1)
    await writeFile(lock, owner(process.pid))
    await expect(createFileRegistry(folder, { lockWaitMs: 50 }).register('s', schemaOf('B'))).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
    })
    expect(await readFile(lock, 'utf8')).toBe(owner(process.pid))
  })

  it('stops when asked to', async () => {
    const signal = AbortSignal.abort(new Error('stop'))
    await expect(createFileRegistry(folder).register('s', schemaOf('A'), signal)).rejects.toThrow('stop')
  })
})
