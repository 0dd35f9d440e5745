import { compileAvroDecoder, createBatchBuilder, type ColumnBatch, type DecodeReject } from '@sluice/columnar'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  arrowSchemaOf,
  compileRowRules,
  compileRules,
  contracts,
  createRowCodec,
  DecodeError,
  validators,
  type AvroSchema,
  type ContractName,
  type Row,
} from '../src/index.ts'
import { rowsOf } from './support/arbitraries.ts'
import { batchOfRows } from './support/batch-of-rows.ts'

const names = Object.keys(contracts) as ContractName[]

function decodeColumns(
  writer: AvroSchema,
  reader: AvroSchema,
  bodies: readonly Uint8Array[],
): { batch: ColumnBatch; rejects: DecodeReject[] } {
  const decoder = compileAvroDecoder(writer as object, reader as object)
  const builder = createBatchBuilder(decoder.schema)
  const ends = Int32Array.from(
    bodies.map(
      (
        (sum) => (body) =>
          (sum += body.length)
      )(0),
    ),
  )
  const starts = Int32Array.from(bodies.map((_, i) => (i === 0 ? 0 : ends[i - 1]!)))
  const rejects: DecodeReject[] = []
  decoder.decodeInto(builder, { bytes: Buffer.concat(bodies), starts, ends }, 0, bodies.length, rejects)
  return { batch: builder.finish(), rejects }
}

/** Schema without field ids, as the decoder gives it. */
function withoutIds(batch: ColumnBatch): unknown {
  return JSON.parse(
    JSON.stringify(batch, (key, value: unknown) =>
      key === 'fieldId' || key === 'keyFieldId'
        ? undefined
        : typeof value === 'bigint'
          ? `${value}n`
          : value instanceof Float64Array
            ? [...value].map(String)
            : value,
    ),
  )
}

describe('row codec and columnar decoder', () => {
  it.each(names)('agree on rows of %s, from every version', (name) => {
    const contract = contracts[name]
    for (const { schema: writer } of contract.versions) {
      const codec = createRowCodec(writer, contract.schema)
      const rows = fc.sample(rowsOf(codec.writer), { seed: 41, numRuns: 60 }) as Row[]
      const bodies = rows.map((row) => codec.encode(row))
      const { batch, rejects } = decodeColumns(writer, contract.schema, bodies)
      expect(rejects).toEqual([])
      const expected = batchOfRows(
        arrowSchemaOf(contract),
        bodies.map((body) => codec.decode(body)),
      )
      expect(withoutIds(batch)).toEqual(withoutIds(expected))
    }
  })

  it.each(names)('agree on the reason why damaged bytes of %s are no row', (name) => {
    const { schema } = contracts[name]
    const codec = createRowCodec(schema)
    const whole = (fc.sample(rowsOf(codec.writer), { seed: 43, numRuns: 30 }) as Row[]).map((row) => codec.encode(row))
    const damaged = whole.flatMap((bytes, i) => [
      bytes.subarray(0, (i * 7) % bytes.length),
      Uint8Array.from([...bytes, 0]),
      ...[3, 11, 29].map((step) =>
        bytes.map((byte, at) => (at === (i * step) % bytes.length ? byte ^ (1 << (i % 8)) : byte)),
      ),
    ])
    const { rejects } = decodeColumns(schema, schema, damaged)
    const byRow = damaged.flatMap((bytes, index) => {
      try {
        codec.decode(bytes)
        return []
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        return [`${index} ${error.code} ${error.path}`]
      }
    })
    expect(rejects.map((reject) => `${reject.index} ${reject.code} ${reject.path}`)).toEqual(byRow)
    expect(byRow.length).toBeGreaterThan(50)
  })

  it.each(names)('and so do the rules and the generated validator of %s', (name) => {
    const contract = contracts[name]
    const codec = createRowCodec(contract.schema)
    const rows = fc.sample(rowsOf(codec.writer), { seed: 47, numRuns: 60 }) as Row[]
    const { batch } = decodeColumns(
      contract.schema,
      contract.schema,
      rows.map((row) => codec.encode(row)),
    )
    const firstBroken = compileRowRules(contract)
    const expected = rows.map((row) => firstBroken(row)?.code)
    const byColumn = new Map(compileRules(contract)(batch).map((violation) => [violation.row, violation.code]))
    expect(rows.map((_, i) => byColumn.get(i))).toEqual(expected)
    const byValidator = rows.map((row) => {
      const result = validators[name].safeParse(row)
      return result.success ? undefined : (result.error.issues[0] as { params?: { code?: string } }).params?.code
    })
    expect(byValidator).toEqual(expected)
  })
})
