import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import type { Column, ColumnBatch } from '@sluice/columnar'
import { frame } from '@sluice/schemas'
import { fetchedFromRecords } from '../src/dead-letters/letters-slab.ts'
import { createDecodeStage } from '../src/decode/decode-stage.ts'
import type { DecodedBatch } from '../src/decode/decoded.ts'
import { decodeLimits } from '../src/decode/request.ts'
import type { DecodeRequest, SchemaVerdict } from '../src/decode/request.ts'
import type { Fetched } from '../src/contracts/records.ts'
import {
  badRecords,
  bodyV1,
  customers,
  fetched,
  ids,
  noon,
  partitionOf,
  record,
  testRegistry,
  userEvents,
  valueV1,
  valueV2,
} from './pipeline-events.ts'

const limits = { ...decodeLimits, maxRecordBytes: 65_536 }

/** Verdicts as the main thread would give them. */
async function verdictsFor(wanted: readonly number[]): Promise<DecodeRequest['schemas']> {
  const registry = testRegistry()
  return Promise.all(
    wanted.map(async (id) => {
      const entry = await registry.getById(id)
      const verdict: SchemaVerdict =
        entry === undefined
          ? { kind: 'unknown' }
          : entry.subjects.includes(userEvents.subject)
            ? { kind: 'writer', schema: entry.schema }
            : { kind: 'not-allowed' }
      return { id, verdict }
    }),
  )
}

function request(of: Fetched, extra: Partial<DecodeRequest> = {}): DecodeRequest {
  return { fetched: of, from: of.start, to: of.end, countDuplicates: true, schemas: [], crashed: [], ...extra }
}

async function decode(
  of: Fetched,
  extra: Partial<DecodeRequest> = {},
  stage = createDecodeStage(userEvents, limits),
): Promise<DecodedBatch> {
  let reply = stage.decode(request(of, extra))
  if (reply.kind === 'schemas-needed')
    reply = stage.decode(request(of, { ...extra, schemas: await verdictsFor(reply.ids) }))
  if (reply.kind !== 'decoded') throw new Error(`reply is ${reply.kind}`)
  const { decoded } = reply
  const outcomes = decoded.batch.length + decoded.rejects.length + decoded.filtered + decoded.duplicate
  expect(decoded.consumed).toBe(outcomes)
  return decoded
}

function column(batch: ColumnBatch, name: string): Column {
  const at = batch.schema.fields.findIndex((field) => field.name === name)
  expect(at, name).toBeGreaterThanOrEqual(0)
  return batch.columns[at]!
}

const numbers = (batch: ColumnBatch, name: string): number[] =>
  [...(column(batch, name).values as BigInt64Array | Int32Array)].map(Number)

function texts(batch: ColumnBatch, name: string): (string | null)[] {
  const { length, offsets, values, validity } = column(batch, name)
  return Array.from({ length }, (_, row) => {
    if (validity !== undefined && !(validity[row >> 3]! & (1 << (row & 7)))) return null
    return new TextDecoder().decode((values as Uint8Array).subarray(offsets![row], offsets![row + 1]))
  })
}

describe('decode stage', () => {
  it('leaves out records of transactions that the source says were aborted (fault 30)', async () => {
    const batch = { producerId: 900, producerEpoch: 0, transactional: true }
    const of = fetched(userEvents, [record(valueV2(1), 1), record(valueV2(2), 2)], { baseOffset: 40, batch })
    expect((await decode(of)).batch.length).toBe(2)
    const aborted = { ...of, abortedTransactions: [{ producerId: 900, firstOffset: 40 }] } as Fetched
    expect(await decode(aborted)).toMatchObject({ start: 40, end: 42, consumed: 0, batch: { length: 0 } })
    const others = { ...of, abortedTransactions: [{ producerId: 901, firstOffset: 40 }] } as Fetched
    expect((await decode(others)).batch.length).toBe(2)
  })

  it('turns records into the columns of the contract and where they came from', async () => {
    const of = fetched(userEvents, [record(valueV2(1), 1), record(valueV2(2), 2)], {
      baseOffset: 40,
      batch: { codec: 'zstd' },
    })
    const { batch, start, end, maxEventTime, oldestRecord } = await decode(of)
    expect(batch.schema.fields.map((field) => field.name)).toEqual([
      ...['event_id', 'user_id', 'event_type', 'timestamp', 'session_id', 'product_id', 'product_name', 'price'],
      ...['category', 'device_type', 'country', '_topic', '_partition', '_offset', '_timestamp', '_schema_id'],
    ])
    expect(batch.schema.fields.every((field) => field.fieldId !== undefined)).toBe(true)
    expect(texts(batch, 'event_id')).toEqual(['event-1', 'event-2'])
    expect(texts(batch, 'product_name')).toEqual(['Produkt 1 ü', 'Produkt 2 ü'])
    expect(texts(batch, '_topic')).toEqual(['ecommerce-events', 'ecommerce-events'])
    expect(numbers(batch, '_offset')).toEqual([40, 41])
    expect(numbers(batch, '_partition')).toEqual([0, 0])
    expect(numbers(batch, '_timestamp')).toEqual([noon + 1, noon + 2])
    expect(numbers(batch, '_schema_id')).toEqual([ids.v2, ids.v2])
    expect([start, end, maxEventTime, oldestRecord]).toEqual([40, 42, noon + 2000, noon + 1])
  })

  it('refuses each kind of bad record with its code, and keeps its neighbours', async () => {
    const records = badRecords.flatMap(({ record: bad }, i) => [record(valueV2(i), i), bad])
    const { batch, rejects } = await decode(fetched(userEvents, [...records, record(valueV1(77), 77)]))
    expect(rejects.map((reject) => reject.code)).toEqual(badRecords.map((bad) => bad.code))
    expect(rejects.map((reject) => reject.offset)).toEqual(badRecords.map((_, i) => 2 * i + 1))
    rejects.forEach((reject, i) => {
      const sent = badRecords[i]!.record
      expect(reject.value, reject.code).toEqual(sent.value === null ? null : Uint8Array.from(sent.value))
      expect(new TextDecoder().decode(reject.key!)).toBe('key-0')
      expect(reject.timestamp).toBe(noon)
    })
    expect(texts(batch, 'event_id')).toEqual([...badRecords.map((_, i) => `event-${i}`), 'event-77'])
    expect(rejects.find((reject) => reject.code === 'schema_header_guid')?.headers).not.toBeNull()
    expect(rejects.find((reject) => reject.code === 'schema_unknown')?.schemaId).toBe(ids.unknown)
  })

  it('never puts contents of a record into its description (input 32)', async () => {
    const marker = 'SECRET-MARKER'
    const bad = frame(ids.v1, new TextEncoder().encode(marker))
    const { rejects } = await decode(fetched(userEvents, [record(bad), record(valueV2(1, { country: marker }))]))
    expect(rejects).toHaveLength(2)
    for (const { code, path, expected } of rejects) expect(`${code}${path}${expected}`).not.toContain(marker)
  })

  it('reads a body whose schema id is in a header (fault 44)', async () => {
    const header = ['__value_schema_id', Uint8Array.of(0, 0, 0, 0, ids.v1)] as const
    const { batch } = await decode(fetched(userEvents, [record(bodyV1(5), 5, [header])]))
    expect(texts(batch, 'event_id')).toEqual(['event-5'])
    expect(numbers(batch, '_schema_id')).toEqual([ids.v1])
  })

  it('decodes old and new producers into one batch, however they alternate (fault 81)', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.constantFrom('v1', 'v2', 'bad'), { maxLength: 60 }),
      async (kinds) => {
        const bad = record(Uint8Array.of(1))
        const records = kinds.map((kind, n) =>
          kind === 'bad' ? bad : record(kind === 'v1' ? valueV1(n) : valueV2(n), n),
        )
        const { batch, rejects } = await decode(fetched(userEvents, records))
        const good = kinds.flatMap((kind, n) => (kind === 'bad' ? [] : [n]))
        expect(numbers(batch, '_offset')).toEqual(good)
        expect(texts(batch, 'event_id')).toEqual(good.map((n) => `event-${n}`))
        expect(texts(batch, 'product_id')).toEqual(good.map((n) => (kinds[n] === 'v1' ? null : `P-${n % 10}`)))
        expect(rejects.map((reject) => reject.offset)).toEqual(kinds.flatMap((kind, n) => (kind === 'bad' ? [n] : [])))
      },
    )
    await fc.assert(property, { seed: 81, numRuns: 100 })
  })

  it('names the ids it does not know, once, and asks again for an id it was told is unknown', async () => {
    const stage = createDecodeStage(userEvents, limits)
    const of = fetched(userEvents, [record(valueV1(1)), record(valueV2(2)), record(frame(ids.unknown, bodyV1(1)))])
    expect(stage.decode(request(of))).toEqual({ kind: 'schemas-needed', ids: [ids.v1, ids.v2, ids.unknown] })
    expect((await decode(of, {}, stage)).rejects).toHaveLength(1)
    expect(stage.decode(request(of))).toEqual({ kind: 'schemas-needed', ids: [ids.unknown] })
  })

  it('skips what lies before the read, counts redeliveries, and covers the range asked for', async () => {
    const records = Array.from({ length: 10 }, (_, n) => record(valueV1(n), n))
    const of = fetched(userEvents, records, { baseOffset: 100, start: 103 })
    const part = await decode(of, { from: 106, to: 109 })
    expect(numbers(part.batch, '_offset')).toEqual([106, 107, 108])
    expect([part.consumed, part.duplicate, part.start, part.end]).toEqual([6, 3, 106, 109])
    const second = await decode(of, { from: 109, to: 110, countDuplicates: false })
    expect([second.consumed, second.duplicate]).toEqual([1, 0])
  })

  it('skips what lies before the read in slabs, too', async () => {
    const values = [0, 1, 2, 3].map((n) => ({ offset: n, timestamp: -1, value: valueV1(n), headers: null }))
    const of = fetchedFromRecords(partitionOf(userEvents), values)
    const { batch, consumed, duplicate } = await decode({ ...of, start: 1 }, { from: 2 })
    expect(numbers(batch, '_offset')).toEqual([2, 3])
    expect([consumed, duplicate]).toEqual([3, 1])
    expect(column(batch, '_timestamp').nullCount).toBe(2)
  })

  it('filters tombstones when the contract says so', async () => {
    const skipping = createDecodeStage({ ...userEvents, tombstones: 'skip' }, limits)
    const { filtered, batch } = await decode(
      fetched(userEvents, [record(null), record(valueV1(1), 1), record(null)]),
      {},
      skipping,
    )
    expect([filtered, batch.length]).toEqual([2, 1])
  })

  it('refuses records known to end workers without looking at them, and tells which one it decodes', async () => {
    const cell = new SharedArrayBuffer(8)
    const of = fetched(userEvents, [record(valueV1(0)), record(valueV1(1)), record(valueV1(2))])
    const { rejects, batch } = await decode(of, { crashed: [1], cell })
    expect(rejects.map((reject) => [reject.offset, reject.code, reject.schemaId])).toEqual([
      [1, 'decode_crash', ids.v1],
    ])
    expect(batch.length).toBe(2)
    expect(new Float64Array(cell)[0]).toBe(-2)
  })

  it('calls damaged bytes corrupt instead of dead-lettering them (input 28)', () => {
    const of = fetched(userEvents, [record(valueV1(0))])
    if (of.kind !== 'batches') throw new Error('batches expected')
    const stage = createDecodeStage(userEvents, limits)
    const flipped = Uint8Array.from(of.bytes)
    flipped[flipped.length - 1]! ^= 1
    expect(stage.decode(request({ ...of, bytes: flipped }))).toMatchObject({
      kind: 'corrupt',
      code: 'BATCH_CRC_MISMATCH',
    })
    const cut = of.bytes.subarray(0, of.bytes.length - 3)
    expect(stage.decode(request({ ...of, bytes: cut }))).toMatchObject({ kind: 'corrupt', code: 'BATCH_TRUNCATED' })
  })

  it('makes one dead letter of a batch that would inflate too far', async () => {
    const bomb = fetched(userEvents, [record(new Uint8Array(300_000)), record(valueV1(1))], {
      baseOffset: 7,
      batch: { codec: 'gzip' },
    })
    const small = createDecodeStage(userEvents, { maxRecordBytes: 65_536, maxInflatedBytes: 100_000 })
    const { rejects, consumed, batch } = await decode(bomb, {}, small)
    expect(rejects.map((reject) => [reject.offset, reject.code])).toEqual([[7, 'batch_too_large']])
    expect(rejects[0]!.value).toEqual(bomb.kind === 'batches' && Uint8Array.from(bomb.bytes))
    expect([consumed, batch.length]).toEqual([1, 0])
  })

  it('decodes JSON topics, which have no envelope', async () => {
    const customer = {
      customer_id: 'C-1',
      gender: 'Female',
      senior_citizen: false,
      partner: true,
      dependents: false,
      tenure: 3,
      phone_service: true,
      internet_service: 'DSL',
      contract: 'One year',
      monthly_charges: '10.50',
      total_charges: '31.50',
      updated_at: '2026-11-21T12:00:00.000Z',
      first_name: 'Ada',
      last_name: 'L',
      email: 'ada@example.org',
    }
    const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value))
    const stage = createDecodeStage(customers, limits)
    const of = fetched(customers, [
      record(bytes(customer), 0),
      record(new TextEncoder().encode('{"customer_id":'), 1),
      record(bytes({ ...customer, customer_id: 'C-2', gender: 'none' }), 2),
      record(bytes({ ...customer, customer_id: 'C-3' }), 3),
    ])
    const { batch, rejects } = await decode(of, {}, stage)
    expect(texts(batch, 'customer_id')).toEqual(['C-1', 'C-3'])
    expect(column(batch, '_schema_id').nullCount).toBe(2)
    expect(rejects.map((reject) => [reject.offset, reject.stage])).toEqual([
      [1, 'decode'],
      [2, 'rule'],
    ])
  })

  it('fills fields missing from JSON with the defaults of the schema', async () => {
    const { schema } = customers
    const more = { name: 'plan', type: 'string', default: 'free' }
    const fields = [...(schema as unknown as { fields: object[] }).fields, more]
    const contract = { ...customers, schema: { ...(schema as object), fields } as unknown as typeof schema, rules: [] }
    const stage = createDecodeStage({ ...contract, fieldIds: { ...customers.fieldIds, plan: 900 } }, limits)
    const customer = { customer_id: 'C-1', monthly_charges: '1.00', updated_at: '2026-11-21T12:00:00.000Z' }
    const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value))
    const records = [record(bytes(customer), 0), record(bytes({ ...customer, plan: 'pro' }), 1)]
    const { batch, rejects } = await decode(fetched(customers, records), {}, stage)
    expect(rejects).toEqual([])
    expect(texts(batch, 'plan')).toEqual(['free', 'pro'])
  })
})
