import { describe, expect, it } from 'vitest'
import {
  avroToSchema,
  batchFromRows,
  ColumnarError,
  compileAvroDecoder,
  compileJsonDecoder,
  concatBatches,
  createBatchBuilder,
  rowsOf,
  sliceBatch,
  takeRows,
  transferList,
} from '../src/index.ts'
import type { Column, ColumnBatch, Schema } from '../src/index.ts'
import { bytes, record, varint } from './decode-helpers.ts'
import { edgeValues } from './every-type.ts'
import { makeBatch } from './make-batch.ts'
import { rangesOf } from './ranges.ts'

/** Checks the layout rules of types.ts that values alone do not show. */
function checkLayout(batch: ColumnBatch): void {
  const check = (column: Column): void => {
    const { type, length, nullCount, validity, offsets, values, children } = column
    expect(validity === undefined).toBe(nullCount === 0)
    if (validity !== undefined) {
      expect(validity.length).toBe((length + 7) >> 3)
      let ones = 0
      for (let i = 0; i < 8 * validity.length; i++) ones += (validity[i >> 3]! >> (i & 7)) & 1
      expect(ones).toBe(length - nullCount)
    }
    if (offsets !== undefined) {
      expect(offsets.length).toBe(length + 1)
      expect(offsets[0]).toBe(0)
      const end = offsets[length]!
      if (values !== undefined) expect(values.length).toBe(end)
      children?.forEach((child) => expect(child.length).toBe(end))
    } else if (children !== undefined) children.forEach((child) => expect(child.length).toBe(length))
    for (const array of [validity, offsets, values])
      if (array !== undefined) expect(array.byteLength).toBe(array.buffer.byteLength)
    // A null row holds zero bytes.
    for (let i = 0; i < length; i++) {
      if (validity === undefined || ((validity[i >> 3]! >> (i & 7)) & 1) === 1) continue
      if (offsets !== undefined) expect(offsets[i + 1]).toBe(offsets[i])
      else if (values !== undefined && type.kind !== 'boolean') {
        const width = values.length / length
        for (let k = 0; k < width; k++) expect(Number(values[i * width + k])).toBe(0)
      }
    }
    children?.forEach(check)
  }
  batch.columns.forEach(check)
}

/** One nullable column per type, each with its edge values and nulls, nested types included. */
const schema: Schema = { fields: edgeValues.map(({ name, type }) => ({ name, type, nullable: true })) }
const most = Math.max(...edgeValues.map(({ values }) => values.length)) + 3
const reference = makeBatch(
  schema,
  Array.from({ length: most }, (_, i) =>
    Object.fromEntries(
      edgeValues.map(({ name, values }) => [name, values[(i + values.length) % (values.length + 1)] ?? null]),
    ),
  ),
)

describe('rows and batches', () => {
  it('rows of a batch make the same batch again, of every type', () => {
    const rows = rowsOf(reference)
    const again = batchFromRows(schema, rows)
    expect(rowsOf(again)).toEqual(rows)
    checkLayout(again)
  })

  it('refuses rows that do not fit, naming the field but not the value', () => {
    const text: Schema = { fields: [{ name: 'name', type: { kind: 'utf8' }, nullable: false }] }
    for (const value of [7, null, undefined, 'lone \ud800']) {
      expect(() => batchFromRows(text, [{ name: value }])).toThrow(/ROW_VALUE|name/)
    }
    expect(() => batchFromRows(text, [{ name: { toString: () => 'MARKER' } }])).not.toThrow(/MARKER/)
  })
})

describe('kernels', () => {
  it('takes rows in any order, with repetition', () => {
    const order = Int32Array.from([most - 1, 0, 0, 3, 2])
    const taken = takeRows(reference, order)
    const rows = rowsOf(reference)
    expect(rowsOf(taken)).toEqual([...order].map((i) => rows[i]))
    checkLayout(taken)
    expect(rowsOf(takeRows(reference, new Int32Array(0)))).toEqual([])
    expect(() => takeRows(reference, Int32Array.of(most))).toThrow(ColumnarError)
    expect(() => takeRows(reference, Int32Array.of(-1))).toThrow(ColumnarError)
  })

  it('slices at every position and joins the pieces to the whole', () => {
    const rows = rowsOf(reference)
    for (let at = 0; at <= most; at++) {
      const left = sliceBatch(reference, 0, at)
      const right = sliceBatch(reference, at, most)
      expect(rowsOf(right)).toEqual(rows.slice(at))
      checkLayout(left)
      checkLayout(right)
      const joined = concatBatches([left, right, sliceBatch(reference, at, at)])
      expect(rowsOf(joined)).toEqual(rows)
      checkLayout(joined)
    }
    expect(() => sliceBatch(reference, 1, most + 1)).toThrow(ColumnarError)
    expect(() => concatBatches([reference, batchFromRows({ fields: [] }, [])])).toThrow(ColumnarError)
  })

  it('lists every buffer once, and the batch survives the transfer', () => {
    const batch = sliceBatch(reference, 0, most)
    const rows = rowsOf(batch)
    const list = transferList(batch)
    expect(new Set(list).size).toBe(list.length)
    const received = structuredClone(batch, { transfer: list })
    expect(list.every((buffer) => buffer.byteLength === 0)).toBe(true)
    expect(rowsOf(received)).toEqual(rows)
  })
})

describe('batch builder', () => {
  const v1 = record(['id', 'long'], ['name', 'string'])
  const v2 = record(
    ['name', 'string'],
    ['id', 'long'],
    ['tags', { type: 'array', items: ['null', 'string'] }, { default: ['none'] }],
  )

  it('is filled by several decoders in turn and can be used again', () => {
    const first = compileAvroDecoder(v1, v2)
    const second = compileAvroDecoder(v2, v2)
    const json = compileJsonDecoder(avroToSchema(v2))
    const builder = createBatchBuilder(first.schema, 0)
    const one = rangesOf([bytes(varint(1), 2, 'a')])
    const two = rangesOf([bytes(2, 'b', varint(2), varint(2), 0, 2, 2, 't', 0)])
    const three = rangesOf([Buffer.from('{"name":"c","id":3,"tags":[]}')])
    for (let times = 0; times < 3; times++) {
      for (let i = 0; i < 50; i++) {
        expect(first.decodeInto(builder, one, 0, 1, [])).toBe(1)
        expect(second.decodeInto(builder, two, 0, 1, [])).toBe(1)
        expect(json.decodeInto(builder, three, 0, 1, [])).toBe(1)
      }
      expect(builder.length).toBe(150)
      const size = builder.byteLength
      const batch = builder.finish()
      expect([builder.length, batch.length]).toEqual([0, 150])
      checkLayout(batch)
      const held = transferList(batch).reduce((sum, buffer) => sum + buffer.byteLength, 0)
      // The builder counts a bitmap for every column that may hold null.
      expect(size).toBeGreaterThanOrEqual(held)
      expect(size - held).toBeLessThanOrEqual(150)
      const rows = rowsOf(batch)
      expect(
        JSON.parse(JSON.stringify(rows.slice(0, 3), (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v))),
      ).toEqual([
        { name: 'a', id: 1, tags: ['none'] },
        { name: 'b', id: 2, tags: [null, 't'] },
        { name: 'c', id: 3, tags: [] },
      ])
      for (let i = 3; i < rows.length; i++) expect(rows[i]).toEqual(rows[i % 3])
    }
  })

  it('leaves nothing of a refused record behind, nor of an earlier batch in null slots', () => {
    const nullable = record(
      ['s', ['null', 'string']],
      ['l', ['null', 'long']],
      ['m', ['null', { type: 'array', items: 'int' }]],
      ['end', 'boolean'],
    )
    const decoder = compileAvroDecoder(nullable, nullable)
    const builder = createBatchBuilder(decoder.schema, 4)
    const full = bytes(2, 6, 'xyz', 2, varint(2n ** 60n), 2, varint(3), 2, 4, 6, 0, 1)
    const refused = bytes(2, 6, 'xyz', 2, varint(2n ** 60n), 2, varint(3), 2, 4, 6, 0, 9)
    const nothing = bytes(0, 0, 0, 0)
    decoder.decodeInto(builder, rangesOf([full, full, full]), 0, 3, [])
    builder.finish()
    decoder.decodeInto(builder, rangesOf([refused, nothing, refused, nothing, full]), 0, 5, [])
    const batch = builder.finish()
    checkLayout(batch)
    expect(batch.columns.map((column) => column.nullCount)).toEqual([2, 2, 2, 0])
    expect(batch.columns[0]!.values).toEqual(new TextEncoder().encode('xyz'))
  })

  it('refuses another schema, foreign builders and ranges outside of the bytes', () => {
    const decoder = compileAvroDecoder(v1, v1)
    const input = rangesOf([bytes(varint(1), 2, 'a')])
    expect(() => decoder.decodeInto(createBatchBuilder(avroToSchema(v2)), input, 0, 1, [])).toThrow(/other columns/)
    const withIds = { fields: avroToSchema(v1).fields.map((field, i) => ({ ...field, fieldId: i + 1 })) }
    expect(decoder.decodeInto(createBatchBuilder(withIds), input, 0, 1, [])).toBe(1)
    const builder = createBatchBuilder(decoder.schema)
    expect(() => decoder.decodeInto({ ...builder }, input, 0, 1, [])).toThrow(TypeError)
    expect(() => decoder.decodeInto(builder, input, 0, 2, [])).toThrow(/RECORD_RANGE|not among/)
    const outside = { ...input, ends: Int32Array.of(1_000) }
    expect(() => decoder.decodeInto(builder, outside, 0, 1, [])).toThrow(/does not lie inside/)
    expect(() => decoder.decodeInto(builder, input, 0, 1, [], new Int32Array(0))).toThrow(/no room/)
    expect(() => createBatchBuilder(decoder.schema, -1)).toThrow(TypeError)
  })

  it('decodes a Buffer that is a window of a larger one', () => {
    const decoder = compileAvroDecoder(v1, v1)
    const { bytes: slab, starts, ends } = rangesOf([bytes(varint(1), 2, 'a')])
    const window = Buffer.concat([Buffer.alloc(5), slab]).subarray(5)
    const builder = createBatchBuilder(decoder.schema)
    decoder.decodeInto(builder, { bytes: window, starts, ends }, 0, 1, [])
    expect({ ...rowsOf(builder.finish())[0] }).toEqual({ id: 1n, name: 'a' })
  })
})
