import { describe, expect, it } from 'vitest'
import type { RegisteredSchema, SchemaRegistry } from '@sluice/schemas'
import { createHttpRegistry, rememberSchemas } from '@sluice/schemas'
import { createSchemaLedger } from '../src/decode/schema-ledger.ts'
import { createSchemaResolver } from '../src/decode/schema-resolver.ts'
import { createMemoryStore } from '../src/stores/memory-store.ts'
import { CodedError, contractFor, manualClock } from './pipeline-fakes.ts'

const contract = contractFor('a')

function fakeRegistry(known: Record<number, RegisteredSchema>) {
  const asked: number[] = []
  let down = false
  let inFlight = 0
  let most = 0
  const registry: SchemaRegistry = {
    async getById(id) {
      asked.push(id)
      inFlight += 1
      most = Math.max(most, inFlight)
      await Promise.resolve()
      inFlight -= 1
      if (down) throw new CodedError('REGISTRY_UNAVAILABLE')
      return known[id]
    },
    register: () => Promise.reject(new Error('not asked for')),
    latest: () => Promise.reject(new Error('not asked for')),
  }
  return { registry, asked, known, setDown: (value: boolean) => (down = value), most: () => most }
}

const entry = (id: number, subjects = ['a-value']): RegisteredSchema => ({ id, schema: 'string', subjects })

describe('schema resolver', () => {
  it('asks once for an id, however many records carry it', async () => {
    const { registry, asked } = fakeRegistry({ 1: entry(1) })
    const resolver = createSchemaResolver({ registry })
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => resolver.verdict(contract, 1)))
    expect(verdicts.every((verdict) => verdict.kind === 'writer')).toBe(true)
    await resolver.verdict(contract, 1)
    expect(asked).toEqual([1])
  })

  it('keeps what it knows through an outage, and says nothing about what it does not know', async () => {
    const fake = fakeRegistry({ 1: entry(1), 2: entry(2) })
    const resolver = createSchemaResolver({ registry: fake.registry })
    await resolver.verdict(contract, 1)
    fake.setDown(true)
    expect((await resolver.verdict(contract, 1)).kind).toBe('writer')
    await expect(resolver.verdict(contract, 2)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    fake.setDown(false)
    expect((await resolver.verdict(contract, 2)).kind).toBe('writer')
  })

  it('re-checks an unknown id a few times, then remembers it for a while, then asks again', async () => {
    const clock = manualClock()
    const fake = fakeRegistry({})
    const resolver = createSchemaResolver({
      registry: fake.registry,
      clock,
      checks: 3,
      recheckMs: 100,
      unknownTtlMs: 5000,
    })
    const first = resolver.verdict(contract, 7)
    await clock.advance(250)
    expect(await first).toEqual({ kind: 'unknown' })
    expect(fake.asked).toEqual([7, 7, 7])
    await Promise.all(Array.from({ length: 50 }, () => resolver.verdict(contract, 7)))
    expect(fake.asked).toHaveLength(3)
    await clock.advance(5000)
    fake.known[7] = entry(7)
    expect((await resolver.verdict(contract, 7)).kind).toBe('writer')
    expect(fake.asked).toHaveLength(4)
  })

  it('finds an id that reaches the registry between two checks', async () => {
    const clock = manualClock()
    const fake = fakeRegistry({})
    const resolver = createSchemaResolver({ registry: fake.registry, clock })
    const asking = resolver.verdict(contract, 7)
    await clock.advance(10)
    fake.known[7] = entry(7)
    await clock.advance(500)
    expect((await asking).kind).toBe('writer')
  })

  it('takes a registry that does not answer for an outage', async () => {
    const clock = manualClock()
    const fake = fakeRegistry({})
    let signal: AbortSignal | undefined
    fake.registry.getById = (_, given) => {
      signal = given
      return new Promise(() => undefined)
    }
    const asking = createSchemaResolver({ registry: fake.registry, clock, timeoutMs: 1000 }).verdict(contract, 1)
    const outcome = expect(asking).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    await clock.advance(1000)
    await outcome
    expect(signal?.aborted).toBe(true)
  })

  it('allows a schema only under the subject of the topic', async () => {
    const fake = fakeRegistry({ 3: entry(3, ['other-value', 'b-value']) })
    const clock = manualClock()
    const resolver = createSchemaResolver({ registry: fake.registry, clock })
    expect(await resolver.verdict(contract, 3)).toEqual({ kind: 'not-allowed' })
    expect((await resolver.verdict(contractFor('b'), 3)).kind).toBe('writer')
    expect(fake.asked).toEqual([3])
    fake.known[3] = entry(3, ['a-value'])
    expect(await resolver.verdict(contract, 3)).toEqual({ kind: 'not-allowed' })
    await clock.advance(30_000)
    expect((await resolver.verdict(contract, 3)).kind).toBe('writer')
    expect(fake.asked).toEqual([3, 3])
  })

  it('re-checks many unknown ids in the time of one, within the bound on calls', async () => {
    const clock = manualClock()
    const fake = fakeRegistry({})
    const resolver = createSchemaResolver({ registry: fake.registry, clock, checks: 3, recheckMs: 100, concurrency: 2 })
    const asking = Promise.all(Array.from({ length: 50 }, (_, id) => resolver.verdict(contract, id)))
    let answered = false
    void asking.then(() => (answered = true))
    await clock.advance(210)
    expect(answered).toBe(true)
    expect(fake.most()).toBe(2)
    expect(resolver.lookups).toBe(150)
  })

  it('bounds the calls in flight when ids are random', async () => {
    const fake = fakeRegistry({})
    const resolver = createSchemaResolver({ registry: fake.registry, checks: 1, concurrency: 3 })
    await Promise.all(Array.from({ length: 200 }, (_, id) => resolver.verdict(contract, id)))
    expect(fake.most()).toBe(3)
    expect(resolver.lookups).toBe(200)
  })

  it('leaves a registry that remembers its own memory, and refuses what is not Avro', async () => {
    const fake = fakeRegistry({ 1: { ...entry(1), schemaType: 'JSON' } })
    const memory = rememberSchemas(fake.registry, { checks: 1 })
    const registry = { ...fake.registry, getById: memory.getById, refresh: memory.refresh, lookups: 0 }
    const resolver = createSchemaResolver({ registry, checks: 5, recheckMs: 60_000 })
    expect(await resolver.verdict(contract, 1)).toEqual({ kind: 'not-allowed' })
    expect(await resolver.verdict(contract, 2)).toEqual({ kind: 'unknown' })
    expect(fake.asked).toEqual([1, 2])
    const http = createHttpRegistry({ url: 'http://127.0.0.1:1', attempts: 1 })
    await expect(createSchemaResolver({ registry: http }).verdict(contract, 1)).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
    })
  })

  it('stops at an id that had another schema in an earlier run (fault 43)', async () => {
    const store = createMemoryStore()
    await store.open(new AbortController().signal)
    const run = (schema: string, sinkId = 'bronze') =>
      createSchemaResolver({
        registry: fakeRegistry({ 1: { ...entry(1), schema } }).registry,
        ledger: createSchemaLedger({ store, sinkId }),
      })
    expect((await run('string').verdict(contract, 1)).kind).toBe('writer')
    expect((await run('{"type":"string","doc":"the same to a reader"}').verdict(contract, 1)).kind).toBe('writer')
    await expect(run('long').verdict(contract, 1)).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' })
    expect((await run('long', 'other').verdict(contract, 1)).kind).toBe('writer')
  })

  it('waits when the ledger cannot be asked', async () => {
    let down = true
    const store = createMemoryStore({ faults: (op) => (op !== 'open' && down ? 'unavailable' : undefined) })
    await store.open(new AbortController().signal)
    const resolver = createSchemaResolver({
      registry: fakeRegistry({ 1: entry(1) }).registry,
      ledger: createSchemaLedger({ store, sinkId: 'bronze' }),
    })
    await expect(resolver.verdict(contract, 1)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    down = false
    expect((await resolver.verdict(contract, 1)).kind).toBe('writer')
  })
})
