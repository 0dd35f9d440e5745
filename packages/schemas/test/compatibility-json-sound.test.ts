import {
  avroDefaults,
  avroToSchema,
  ColumnarError,
  compileJsonDecoder,
  createBatchBuilder,
  type DecodeReject,
} from '@sluice/columnar'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSchema, type AvroNode } from '../src/avro/model.ts'
import { checkCompatibility, createRowCodec, SchemaError, type AvroSchema, type Row } from '../src/index.ts'
import { rowsOf } from './support/arbitraries.ts'
import { evolutionOf } from './support/evolutions.ts'

/** One row as a producer of JSON may write it: numbers as numbers, what has no JSON type as text. */
function jsonOf(node: AvroNode, value: unknown): string {
  switch (node.kind) {
    case 'union': {
      const members = node.branches.filter((branch) => branch.kind !== 'null')
      return value === null ? 'null' : jsonOf(members[0]!, value)
    }
    case 'array':
      return `[${(value as unknown[]).map((item) => jsonOf(node.items, item)).join(',')}]`
    case 'map':
      return `{${Object.entries(value as Row)
        .map(([key, item]) => `${JSON.stringify(key)}:${jsonOf(node.values, item)}`)
        .join(',')}}`
    case 'record':
      return `{${node.fields
        .map(({ name, type }) => `${JSON.stringify(name)}:${jsonOf(type, (value as Row)[name])}`)
        .join(',')}}`
    case 'bytes':
    case 'fixed':
      return typeof value === 'string'
        ? JSON.stringify(value)
        : JSON.stringify(Buffer.from(value as Uint8Array).toString('base64'))
    default:
      return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  }
}

/** Values that JSON cannot say: NaN and the infinities. */
function hasNoJson(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  if (value instanceof Uint8Array) return false
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNoJson)
}

const parses = (schema: AvroSchema): boolean => {
  try {
    parseSchema(schema)
    avroToSchema(schema as object)
    return true
  } catch (error) {
    if (error instanceof SchemaError || error instanceof ColumnarError) return false
    throw error
  }
}

function rejectsOf(
  schema: AvroSchema,
  mode: 'strict' | 'lenient',
  bodies: readonly Buffer[],
  defaults = {},
): DecodeReject[] {
  const starts = Int32Array.from(bodies, (_, i) => bodies.slice(0, i).reduce((sum, body) => sum + body.length, 0))
  const ends = Int32Array.from(bodies, (body, i) => starts[i]! + body.length)
  const decoder = compileJsonDecoder(avroToSchema(schema as object), { mode, defaults })
  const rejects: DecodeReject[] = []
  const builder = createBatchBuilder(decoder.schema)
  decoder.decodeInto(builder, { bytes: Buffer.concat(bodies), starts, ends }, 0, bodies.length, rejects)
  return rejects
}

describe('a compatible change of JSON', () => {
  it.each(['open', 'closed'] as const)(
    'is read by the decoder of %s readers, whatever the evolution',
    (jsonReaders) => {
      const counts = { compatible: 0, refused: 0, records: 0 }
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
          const { before, after, edits } = evolutionOf(seed)
          fc.pre(parses(before) && parses(after))
          for (const [writer, reader] of [
            [before, after],
            [after, before],
          ] as const) {
            const options = { format: 'json', jsonReaders } as const
            const report = checkCompatibility(reader, [{ version: 1, schema: writer }], 'BACKWARD', options)
            if (!report.compatible) {
              counts.refused += 1
              continue
            }
            counts.compatible += 1
            const codec = createRowCodec(writer)
            const rows = (fc.sample(rowsOf(codec.writer), { seed, numRuns: 8 }) as Row[]).filter(
              (row) => !hasNoJson(row),
            )
            const texts = rows.map((row) => Buffer.from(jsonOf(codec.writer, row)))
            // What no reader of the same version takes (a time of more than a day) is no event of the writer.
            const own = rejectsOf(writer, 'strict', texts)
            const bodies = texts.filter((_, i) => !own.some(({ index }) => index === i))
            const mode = jsonReaders === 'closed' ? 'strict' : 'lenient'
            const rejects = rejectsOf(reader, mode, bodies, avroDefaults(reader as object))
            expect({ seed, edits, rejects }).toEqual({ seed, edits, rejects: [] })
            counts.records += bodies.length
          }
        }),
        { seed: 20261125, numRuns: 1000 },
      )
      expect(counts.compatible).toBeGreaterThan(200)
      expect(counts.refused).toBeGreaterThan(200)
      expect(counts.records).toBeGreaterThan(1000)
    },
  )
})
