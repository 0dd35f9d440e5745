import { batchFromRows, concatBatches, rowsOf, takeRows } from '@sluice/columnar'
import type { ColumnBatch, Schema } from '@sluice/columnar'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packRows, unpackRows } from '../src/sink/packed-rows.ts'
import { createRowStage } from '../src/sink/row-stage.ts'

const seed = 20261125

/** A column of each kind, nested ones inside each other. */
const schema: Schema = {
  fields: [
    { name: 'number', type: { kind: 'int32' }, nullable: false },
    { name: 'long', type: { kind: 'int64' }, nullable: true },
    { name: 'yes', type: { kind: 'boolean' }, nullable: true },
    { name: 'half', type: { kind: 'float32' }, nullable: false },
    { name: 'double', type: { kind: 'float64' }, nullable: true },
    { name: 'text', type: { kind: 'utf8' }, nullable: true },
    { name: 'bytes', type: { kind: 'binary' }, nullable: false },
    { name: 'fixed', type: { kind: 'fixed', size: 3 }, nullable: false },
    { name: 'symbol', type: { kind: 'enum', symbols: ['A', 'B'] }, nullable: true },
    { name: 'day', type: { kind: 'date' }, nullable: false },
    { name: 'milli', type: { kind: 'time', unit: 'milli' }, nullable: false },
    { name: 'micro', type: { kind: 'time', unit: 'micro' }, nullable: false },
    { name: 'at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: true },
    { name: 'nothing', type: { kind: 'null' }, nullable: true },
    {
      name: 'items',
      type: {
        kind: 'list',
        item: {
          name: 'item',
          nullable: true,
          type: {
            kind: 'struct',
            fields: [
              { name: 'name', type: { kind: 'utf8' }, nullable: false },
              {
                name: 'counts',
                type: { kind: 'map', value: { name: 'value', type: { kind: 'int32' }, nullable: true } },
                nullable: true,
              },
            ],
          },
        },
      },
      nullable: true,
    },
  ],
}

function rowAt(n: number): Record<string, unknown> {
  const some = <T>(value: T): T | null => (n % 3 === 0 ? null : value)
  const item = {
    name: `item-${n}`,
    counts:
      n % 2 === 0
        ? null
        : new Map([
            ['a', n],
            ['b', null],
          ]),
  }
  return {
    number: n,
    long: some(BigInt(n) * 1_000_000_007n),
    yes: some(n % 2 === 0),
    half: n / 4,
    double: some(n / 3),
    text: some(`text ${n} ü`),
    bytes: Uint8Array.of(n & 255, 1),
    fixed: Uint8Array.of(1, 2, n & 255),
    symbol: some(n % 2 === 0 ? 'A' : 'B'),
    day: n,
    milli: n,
    micro: BigInt(n),
    at: some(BigInt(n) * 1000n),
    nothing: null,
    items: n % 4 === 0 ? null : Array.from({ length: n % 3 }, (_, i) => (i === 1 ? null : item)),
  }
}

const batchOf = (from: number, to: number): ColumnBatch =>
  batchFromRows(
    schema,
    Array.from({ length: to - from }, (_, i) => rowAt(from + i)),
  )
const all = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i)

describe('packed rows', () => {
  it.each([0, 1, 7, 8, 9, 300])('come out as they went in: %i rows of every type', (length) => {
    const batch = batchOf(5, 5 + length)
    const packed = packRows(batch)
    expect(rowsOf(unpackRows(packed))).toEqual(rowsOf(batch))
    expect(packed.bytes.buffer.byteLength).toBe(packed.bytes.length)
  })

  it('are smaller than the rows', () => {
    const packed = packRows(batchOf(0, 3000))
    expect(packed.bytes.length).toBeLessThan(packed.rawBytes / 2)
  })
})

describe('row stage', () => {
  it('gives every file its rows in the order they came, however they came', () => {
    const batches = fc.array(
      fc.record({
        rows: fc.integer({ min: 1, max: 40 }),
        files: fc.integer({ min: 1, max: 200 }),
        skip: fc.integer({ min: 0, max: 3 }),
      }),
      { minLength: 1, maxLength: 20 },
    )
    fc.assert(
      fc.property(batches, (parts) => {
        const stage = createRowStage()
        const expected = new Map<number, number[]>()
        let next = 0
        for (const { rows, files, skip } of parts) {
          const batch = batchOf(next, next + rows)
          const routes = Int32Array.from({ length: rows }, (_, i) => ((next + i) * 7919) % files)
          const selection = all(rows).filter((row) => skip === 0 || row % (skip + 1) !== 0)
          for (const row of selection) {
            const route = routes[row]!
            expected.set(route, [...(expected.get(route) ?? []), next + row])
          }
          if (selection.length > 0) stage.add(batch, selection, routes)
          next += rows
        }
        const found = new Map<number, ColumnBatch>()
        for (const { route, batch, selection } of stage.drain()) {
          expect(found.has(route)).toBe(false)
          found.set(route, takeRows(batch, selection))
        }
        expect([...found.keys()].sort((a, b) => a - b)).toEqual([...expected.keys()].sort((a, b) => a - b))
        for (const [route, batch] of found) {
          expect(rowsOf(batch)).toEqual(rowsOf(takeRows(batchOf(0, next), Int32Array.from(expected.get(route)!))))
        }
        expect([stage.rows, stage.heldBytes]).toEqual([0, 0])
      }),
      { seed, numRuns: 15 },
    )
  })

  it('packs what is large, and still gives it out in order with what came before and after', () => {
    const stage = createRowStage()
    const big = concatBatches(Array.from({ length: 10 }, (_, i) => batchOf(1000 * i, 1000 * (i + 1))))
    const routes = all(big.length).map((row) => row % 300)
    stage.add(batchOf(0, 300), all(300), routes)
    for (let i = 0; i < 5; i++) stage.add(big, all(big.length), routes)
    stage.add(batchOf(7, 8), all(1), Int32Array.of(150))
    const raw = 50_000 * (packRows(big).rawBytes / big.length)
    expect(stage.heldBytes).toBeLessThan(raw / 2)
    const numbers = new Map<number, number[]>()
    for (const { route, batch, selection } of stage.drain()) {
      numbers.set(
        route,
        rowsOf(takeRows(batch, selection)).map((row) => row['number'] as number),
      )
    }
    expect(numbers.size).toBe(300)
    const once = (route: number): number[] =>
      Array.from({ length: 34 }, (_, i) => route + 300 * i).filter((n) => n < 10_000)
    const of = (route: number): number[] => [route, ...Array.from({ length: 5 }, () => once(route)).flat()]
    expect(numbers.get(0)).toEqual(of(0))
    expect(numbers.get(299)).toEqual(of(299))
    expect(numbers.get(150)).toEqual([...of(150), 7])
  })

  it('does not cost a batch for every row that comes alone', () => {
    const stage = createRowStage()
    for (let n = 0; n < 2000; n++) stage.add(batchOf(n, n + 1), all(1), Int32Array.of(n % 100))
    // A batch of these columns has some forty arrays: alone, each row would take six kilobytes.
    expect(stage.heldBytes / stage.rows).toBeLessThan(1000)
  })
})
