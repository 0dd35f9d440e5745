import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testServices, type TestServices } from '@sluice-tools/services'
import {
  contracts,
  createHttpRegistry,
  createRowCodec,
  frame,
  parseEnvelope,
  type AvroSchema,
  type HttpRegistry,
  type UserEvent,
} from '../src/index.ts'

/** The client against a real Apicurio, by its Confluent-compatible API. */
let services: TestServices
let registry: HttpRegistry
const run = randomUUID().slice(0, 8)
const subject = (name: string): string => `client-${run}-${name}-value`
const record = (name: string, ...fields: object[]): AvroSchema => ({ type: 'record', name: `${name}_${run}`, fields })
const a = { name: 'a', type: 'int' }
const b = { name: 'b', type: 'int' }

beforeAll(async () => {
  services = await testServices(['apicurio'])
  registry = createHttpRegistry({ url: services.env.SCHEMA_REGISTRY_URL!, memory: { recheckMs: 10 } })
}, 900_000)

afterAll(async () => {
  registry.close()
  await services.release()
})

describe('a real registry', () => {
  it('gives back what was registered, by id and by version, and the same id for a repeat', async () => {
    const { versions } = contracts['ecommerce.UserEvent']
    const name = subject('user-event')
    const ids = [await registry.register(name, versions[0]!.schema), await registry.register(name, versions[1]!.schema)]
    const fresh = createHttpRegistry({ url: services.env.SCHEMA_REGISTRY_URL! })
    expect(await fresh.register(name, versions[0]!.schema)).toBe(ids[0])
    expect(await fresh.latest(name)).toMatchObject({ id: ids[1], version: 2 })
    const found = await fresh.versions(name)
    expect(found.map(({ id, version }) => [version, id])).toEqual([
      [1, ids[0]],
      [2, ids[1]],
    ])
    expect((await fresh.getById(ids[1]!))!.subjects).toContain(name)
    expect(await fresh.subjects()).toContain(name)

    const event: UserEvent = {
      event_id: 'e1',
      user_id: 'user_0001',
      event_type: 'SEARCH',
      timestamp: 1n,
      session_id: 's1',
      product_id: null,
      product_name: null,
      price: null,
      category: null,
      device_type: 'TABLET',
      country: 'IN',
    }
    const { schema } = contracts['ecommerce.UserEvent']
    const value = frame(ids[1]!, createRowCodec<UserEvent>(schema).encode(event))
    const envelope = parseEnvelope(value)
    if (!envelope.ok) throw new Error(envelope.code)
    const writer = (await fresh.getById(envelope.schemaId))!.schema
    expect({ ...createRowCodec<UserEvent>(writer, schema).decode(value.subarray(envelope.bodyStart)) }).toEqual(event)
    fresh.close()
  })

  it('tells an unknown id, subject and version from an outage', async () => {
    expect(await registry.getById(2_000_000_000)).toBeUndefined()
    expect(await registry.latest(subject('none'))).toBeUndefined()
    expect(await registry.versions(subject('none'))).toEqual([])
    expect(await registry.accepts(subject('none'), record('N', a))).toEqual({ compatible: true, messages: [] })
    const elsewhere = createHttpRegistry({ url: new URL('/', services.env.SCHEMA_REGISTRY_URL!).href, backOffMs: 1 })
    await expect(elsewhere.getById(1)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    elsewhere.close()
  })

  it('holds a subject to its mode', async () => {
    const name = subject('mode')
    await registry.register(name, record('M', a))
    expect(await registry.mode(name)).toBe('NONE')
    await registry.setMode(name, 'BACKWARD')
    expect(await registry.mode(name)).toBe('BACKWARD')
    expect(await registry.accepts(name, record('M', a, b))).toMatchObject({ compatible: false })
    await expect(registry.register(name, record('M', a, b))).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
    const good = record('M', a, { ...b, default: 0 })
    expect(await registry.accepts(name, good)).toMatchObject({ compatible: true })
    expect(await registry.register(name, good)).toBeGreaterThan(0)
  })

  it('takes subjects with any characters', async () => {
    const name = subject('a/b c%2F?#ü:')
    const id = await registry.register(name, record('S', a))
    expect(await registry.latest(name)).toMatchObject({ id, version: 1 })
    expect((await registry.getById(id))!.subjects).toEqual([name])
  })

  it('puts in what a schema refers to', async () => {
    const address = { type: 'record', name: `Address_${run}`, namespace: 'shop', fields: [a] }
    await registry.register(subject('address'), address)
    const order = {
      schema: JSON.stringify(record('Order', { name: 'to', type: `shop.Address_${run}` })),
      references: [{ name: `shop.Address_${run}`, subject: subject('address'), version: 1 }],
    }
    const answer = await fetch(`${services.env.SCHEMA_REGISTRY_URL}/subjects/${subject('order')}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify(order),
    })
    const { id } = (await answer.json()) as { id: number }
    expect((await registry.getById(id))!.schema).toEqual(record('Order', { name: 'to', type: address }))
  })

  it('says what is not Avro', async () => {
    const json = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', title: run }
    const answer = await fetch(`${services.env.SCHEMA_REGISTRY_URL}/subjects/${subject('json')}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schemaType: 'JSON', schema: JSON.stringify(json) }),
    })
    const { id } = (await answer.json()) as { id: number }
    expect(await registry.getById(id)).toMatchObject({ schemaType: 'JSON' })
  })
})
