import { ColumnarError, compileAvroDecoder, createBatchBuilder, rowsOf as rowsOfBatch } from '@sluice/columnar'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { branchName, parseSchema, type AvroNode } from '../src/avro/model.ts'
import { checkCompatibility, createRowCodec, SchemaError, type AvroSchema, type Row } from '../src/index.ts'
import { rowsOf } from './support/arbitraries.ts'
import { evolutionOf } from './support/evolutions.ts'

/** A row in the form that `rowsOf` of the columns gives: unions of several types are a tag and members. */
function asColumns(node: AvroNode, value: unknown): unknown {
  switch (node.kind) {
    case 'union': {
      const members = node.branches.filter((branch) => branch.kind !== 'null')
      if (value === null) return null
      if (members.length <= 1) return asColumns(members[0]!, value)
      const name = Object.keys(value as object)[0]!
      const tag = members.findIndex((member) => branchName(member) === name)
      const nothing = Object.fromEntries(members.map((_, i) => [`member${i}`, null]))
      return { tag, ...nothing, [`member${tag}`]: asColumns(members[tag]!, (value as Row)[name]) }
    }
    case 'array':
      return (value as unknown[]).map((item) => asColumns(node.items, item))
    case 'map':
      return Object.entries(value as Row).map(([key, item]) => [key, asColumns(node.values, item)])
    case 'record':
      return Object.fromEntries(node.fields.map(({ name, type }) => [name, asColumns(type, (value as Row)[name])]))
    default:
      return value
  }
}

/** Like `asColumns` for what comes out of the columns: only maps differ, for their keys may repeat no more. */
function plain(node: AvroNode, value: unknown): unknown {
  if (value === null) return null
  switch (node.kind) {
    case 'union': {
      const members = node.branches.filter((branch) => branch.kind !== 'null')
      if (members.length <= 1) return plain(members[0]!, value)
      const row = value as Record<string, unknown>
      const entries = members.map((member, i) => [`member${i}`, plain(member, row[`member${i}`])])
      return { tag: row['tag'], ...Object.fromEntries(entries) }
    }
    case 'array':
      return (value as unknown[]).map((item) => plain(node.items, item))
    case 'map':
      return Object.entries(value as Row).map(([key, item]) => [key, plain(node.values, item)])
    case 'record':
      return Object.fromEntries(node.fields.map(({ name, type }) => [name, plain(type, (value as Row)[name])]))
    default:
      return value
  }
}

/** True when both decoders read rows of `writer` as `reader`, alike; `undefined` where columns cannot hold the reader. */
function readBoth(writer: AvroSchema, reader: AvroSchema, seed: number): 'both' | 'rows only' {
  const codec = createRowCodec(writer, reader)
  const rows = fc.sample(rowsOf(codec.writer), { seed, numRuns: 8 }) as Row[]
  const bodies = rows.map((row) => codec.encode(row))
  const read = bodies.map((body) => codec.decode(body))
  try {
    compileAvroDecoder(reader as object, reader as object)
  } catch (error) {
    if (error instanceof ColumnarError && error.code === 'AVRO_UNSUPPORTED') return 'rows only'
    throw error
  }
  const decoder = compileAvroDecoder(writer as object, reader as object)
  const builder = createBatchBuilder(decoder.schema)
  const starts = Int32Array.from(bodies, (_, i) => bodies.slice(0, i).reduce((sum, body) => sum + body.length, 0))
  const ends = Int32Array.from(bodies, (body, i) => starts[i]! + body.length)
  const rejects: unknown[] = []
  decoder.decodeInto(builder, { bytes: Buffer.concat(bodies), starts, ends }, 0, bodies.length, rejects as never[])
  expect(rejects).toEqual([])
  const columns = rowsOfBatch(builder.finish()).map((row) => plain(codec.reader, row))
  expect(columns).toEqual(read.map((row) => asColumns(codec.reader, row)))
  return 'both'
}

const broken = (schema: AvroSchema): boolean => {
  try {
    parseSchema(schema)
    return false
  } catch (error) {
    if (error instanceof SchemaError) return true
    throw error
  }
}

describe('a compatible change', () => {
  it('is read by both decoders, alike, whatever the evolution', () => {
    const counts = { compatible: 0, refused: 0, both: 0, recursive: 0 }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const { before, after } = evolutionOf(seed)
        fc.pre(!broken(before) && !broken(after))
        for (const [writer, reader] of [
          [before, after],
          [after, before],
        ] as const) {
          const report = checkCompatibility(reader, [{ version: 1, schema: writer }], 'BACKWARD')
          if (!report.compatible) {
            counts.refused++
            continue
          }
          counts.compatible++
          counts[readBoth(writer, reader, seed) === 'both' ? 'both' : 'recursive']++
        }
      }),
      { seed: 20261121, numRuns: 1500 },
    )
    // The property means something only when it saw enough of every kind.
    expect(counts.both).toBeGreaterThan(500)
    expect(counts.refused).toBeGreaterThan(500)
    expect(counts.recursive).toBeGreaterThan(50)
  })

  it('is any schema to itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const { before } = evolutionOf(seed)
        fc.pre(!broken(before))
        expect(checkCompatibility(before, [{ version: 1, schema: before }], 'FULL').problems).toEqual([])
      }),
      { seed: 5, numRuns: 500 },
    )
  })
})
