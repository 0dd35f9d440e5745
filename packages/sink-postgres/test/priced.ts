import { createDecodeService, createIngestWorkers, createSchemaResolver, fetchedFromRecords } from '@sluice/ingest-core'
import type { DeadLetter, DecodeService, Fetched } from '@sluice/ingest-core'
import { createRowCodec, frame } from '@sluice/schemas'
import type { SchemaRegistry } from '@sluice/schemas'
import { contractOf, millis, optional, partitionOf } from './rows.ts'

/** A contract whose rule makes dead letters of high prices. */
export const priced = {
  ...contractOf([
    { name: 'id', type: 'string' },
    { name: 'at', type: millis },
    { name: 'price', type: optional('double') },
  ]),
  rules: [{ name: 'price_small', field: 'price', max: 1000 }],
}
export const pricedPartition = partitionOf(priced)

const codec = createRowCodec(priced.schema)

export function pricedValue(id: string, price: number): Uint8Array {
  return frame(1, codec.encode({ id, at: 1_780_000_000_000n, price }))
}

export function pricedFetch(prices: readonly number[]): Fetched {
  const records = prices.map((price, offset) => ({
    offset,
    timestamp: 1_780_000_000_000,
    value: pricedValue(`id-${offset}`, price),
    headers: null,
  }))
  return fetchedFromRecords(pricedPartition, records)
}

/** What an operator writes: all but every seventh become small. */
export function mendPrice({ offset }: DeadLetter): Uint8Array {
  return pricedValue(`id-${offset}`, offset % 7 === 0 ? 9999 : 1)
}

export function openDecoder(): { readonly decoder: DecodeService; close(): Promise<void> } {
  const registry = {
    getById: () => Promise.resolve({ schema: priced.schema, subjects: [priced.subject] }),
  } as unknown as SchemaRegistry
  const contracts = [priced]
  const workers = createIngestWorkers({ contracts, size: 1 })
  const decoder = createDecodeService({ workers, contracts, schemas: createSchemaResolver({ registry, checks: 1 }) })
  return { decoder, close: () => workers.close() }
}
