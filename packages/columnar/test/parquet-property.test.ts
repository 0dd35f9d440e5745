import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createParquetEncoder } from '../src/parquet/parquet-encoder.ts'
import type { DataType, Field, Schema } from '../src/types.ts'
import { openDuckdb, type DuckdbReader } from './duckdb-rows.ts'
import { makeBatch } from './make-batch.ts'

let duckdb: DuckdbReader
beforeAll(async () => {
  duckdb = await openDuckdb()
})
afterAll(() => duckdb.close())

const leafTypes: fc.Arbitrary<DataType> = fc.oneof(
  fc.constantFrom<DataType>(
    { kind: 'boolean' },
    { kind: 'int32' },
    { kind: 'int64' },
    { kind: 'float32' },
    { kind: 'float64' },
    { kind: 'utf8' },
    { kind: 'binary' },
    { kind: 'date' },
    { kind: 'uuid' },
    { kind: 'time', unit: 'milli' },
    { kind: 'time', unit: 'micro' },
    { kind: 'timestamp', unit: 'milli', utc: true },
    { kind: 'timestamp', unit: 'micro', utc: false },
    { kind: 'enum', symbols: ['A', 'B', 'C'] },
  ),
  fc.record({ kind: fc.constant('fixed' as const), size: fc.integer({ min: 1, max: 20 }) }),
  fc.integer({ min: 1, max: 38 }).chain((precision) =>
    fc.record({
      kind: fc.constant('decimal' as const),
      precision: fc.constant(precision),
      scale: fc.integer({ min: 0, max: precision }),
    }),
  ),
)

const { type: anyType } = fc.letrec<{ type: DataType; field: Field }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: leafTypes },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('list' as const), item: tie('field') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('map' as const), value: tie('field') }) },
    {
      weight: 1,
      arbitrary: fc.array(tie('field'), { minLength: 1, maxLength: 3 }).map((fields) => ({
        kind: 'struct' as const,
        fields: fields.map((field, i) => ({ ...field, name: `f${i}` })),
      })),
    },
  ),
  field: fc.record({ name: fc.constant('x'), type: tie('type'), nullable: fc.boolean() }),
}))

function valueOf(type: DataType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'int32':
      return fc.oneof(fc.integer(), fc.nat(5))
    case 'int64':
      return fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 5n }))
    case 'float32':
      return fc.float()
    case 'float64':
      return fc.double()
    case 'utf8':
      return fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', 'a', 'b'))
    case 'binary':
      return fc.uint8Array({ maxLength: 20 })
    case 'fixed':
      return fc.uint8Array({ minLength: type.size, maxLength: type.size })
    case 'uuid':
      return fc.uuid()
    case 'enum':
      return fc.constantFrom(...type.symbols)
    case 'decimal':
      return fc.bigInt({ min: 1n - 10n ** BigInt(type.precision), max: 10n ** BigInt(type.precision) - 1n })
    case 'date':
      return fc.integer({ min: -700_000, max: 2_900_000 })
    case 'time':
      return type.unit === 'milli' ? fc.nat(86_399_999) : fc.bigInt({ min: 0n, max: 86_399_999_999n })
    case 'timestamp':
      return fc.bigInt({ min: -62_135_596_800_000n, max: 253_402_300_799_999n })
    case 'list':
      return fc.array(slotOf(type.item), { maxLength: 4 })
    case 'map':
      return fc.uniqueArray(fc.tuple(fc.string({ maxLength: 5 }), slotOf(type.value)), {
        maxLength: 3,
        selector: ([key]) => key,
      })
    case 'struct':
      return fc.record(Object.fromEntries(type.fields.map((field) => [field.name, slotOf(field)])))
  }
}

function slotOf({ type, nullable }: Field): fc.Arbitrary<unknown> {
  return nullable ? fc.option(valueOf(type), { freq: 3 }) : valueOf(type)
}

const files = fc.array(fc.tuple(anyType, fc.boolean()), { minLength: 1, maxLength: 5 }).chain((columns) => {
  const schema: Schema = { fields: columns.map(([type, nullable], i) => ({ name: `c${i}`, type, nullable })) }
  return fc.record({
    schema: fc.constant(schema),
    rows: fc.array(fc.record(Object.fromEntries(schema.fields.map((field) => [field.name, slotOf(field)]))), {
      maxLength: 60,
    }),
    options: fc.record({
      dictionary: fc.boolean(),
      delta: fc.constantFrom('all', 'integers', 'none'),
      compression: fc.constantFrom('zstd', 'snappy', 'none'),
      pageBytes: fc.constantFrom(64, 1024 * 1024),
      rowGroupRows: fc.constantFrom(7, 131_072),
    }),
  })
})

it('any rows of any schema come back from DuckDB as they were', async () => {
  await fc.assert(
    fc.asyncProperty(files, async ({ schema, rows, options }) => {
      const encoder = createParquetEncoder(schema, options)
      const half = rows.length >> 1
      encoder.append(makeBatch(schema, rows.slice(0, half)))
      encoder.append(makeBatch(schema, rows.slice(half)))
      const expected = rows.map((row) => ({ ...row }))
      expect(await duckdb.rows(encoder.finish(), schema)).toEqual(expected)
    }),
    { seed: 11, numRuns: 250 },
  )
})
