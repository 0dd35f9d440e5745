import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchFromRows, fillNulls, multiplyDecimal, rowsOf } from '../src/index.ts'
import type { Column, DataType } from '../src/index.ts'
import { decimalText } from '../src/decimal.ts'

const seed = 20_261_125

function columnOf(type: DataType, values: readonly unknown[]): Column {
  const schema = { fields: [{ name: 'v', type, nullable: true }] }
  return batchFromRows(
    schema,
    values.map((v) => ({ v })),
  ).columns[0]!
}

function valuesOf(column: Column): unknown[] {
  const schema = { fields: [{ name: 'v', type: column.type, nullable: true }] }
  return rowsOf({ schema, length: column.length, columns: [column] }).map((row) => row['v'])
}

const decimal = (precision: number, scale: number) => ({ kind: 'decimal', precision, scale }) as const

describe('multiplyDecimal', () => {
  const unscaled = (digits: number) =>
    fc.bigInt({ min: -(10n ** BigInt(digits)) + 1n, max: 10n ** BigInt(digits) - 1n })
  const factors = fc.oneof(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 65_535, 65_536),
    fc.integer({ min: 0, max: 1200 }),
  )

  it('equals BigInt arithmetic, and says which rows do not fit', () => {
    const rows = fc.array(fc.tuple(fc.option(fc.oneof(unscaled(38), unscaled(10))), fc.option(factors)), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 38 }), fc.integer({ min: 0, max: 4 }), (given, precision, scale) => {
        fc.pre(scale <= precision)
        const left = columnOf(
          decimal(38, scale),
          given.map(([v]) => (v === null ? null : decimalText(v, scale))),
        )
        const right = columnOf(
          { kind: 'int32' },
          given.map(([, by]) => by),
        )
        const limit = 10n ** BigInt(precision)
        const overflows: number[] = []
        const expected = given.map(([v, by], row) => {
          if (v === null || by === null) return null
          const product = v * BigInt(by)
          if (product < limit && product > -limit) return decimalText(product, scale)
          overflows.push(row)
          return null
        })
        const result = multiplyDecimal(left, right, decimal(precision, scale))
        expect(valuesOf(result.column)).toEqual(expected)
        expect(result.overflows).toEqual(overflows)
        expect(result.column.nullCount).toBe(expected.filter((value) => value === null).length)
      }),
      { seed, numRuns: 400 },
    )
  })

  it('refuses other types, scales and lengths', () => {
    const two = columnOf(decimal(10, 2), ['1.00', '2.00'])
    const ints = columnOf({ kind: 'int32' }, [1, 2])
    const refused = [
      () => multiplyDecimal(ints, ints, decimal(10, 2)),
      () => multiplyDecimal(two, two, decimal(10, 2)),
      () => multiplyDecimal(two, ints, decimal(10, 3)),
      () => multiplyDecimal(two, columnOf({ kind: 'int32' }, [1]), decimal(10, 2)),
    ]
    for (const call of refused) expect(call).toThrow(expect.objectContaining({ code: 'KERNEL_TYPE' }))
  })
})

describe('fillNulls', () => {
  const kinds: readonly (readonly [DataType, fc.Arbitrary<unknown>])[] = [
    [{ kind: 'boolean' }, fc.boolean()],
    [{ kind: 'int32' }, fc.integer()],
    [{ kind: 'int64' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
    [{ kind: 'float64' }, fc.double()],
    [{ kind: 'utf8' }, fc.string({ unit: 'grapheme', maxLength: 6 })],
    [{ kind: 'enum', symbols: ['a', 'b', 'c'] }, fc.constantFrom('a', 'b', 'c')],
    [decimal(10, 2), fc.bigInt({ min: -999n, max: 999n }).map((v) => decimalText(v, 2))],
    [{ kind: 'timestamp', unit: 'milli', utc: true }, fc.bigInt({ min: 0n, max: 2n ** 40n })],
  ]

  it.each(kinds)('takes the other row where there is none: %j', (type, value) => {
    const pairs = fc.array(fc.tuple(fc.option(value), fc.option(value)), { maxLength: 30 })
    fc.assert(
      fc.property(pairs, fc.option(value), (rows, constant) => {
        const left = rows.map(([a]) => a)
        const column = columnOf(type, left)
        const before = valuesOf(column)
        const filled = fillNulls(
          column,
          columnOf(
            type,
            rows.map(([, b]) => b),
          ),
        )
        const expected = rows.map(([a, b]) => a ?? b)
        expect(valuesOf(filled)).toEqual(expected)
        expect(filled.nullCount).toBe(expected.filter((each) => each === null).length)
        expect(filled.validity === undefined).toBe(filled.nullCount === 0)
        expect(valuesOf(fillNulls(column, columnOf(type, [constant])))).toEqual(left.map((a) => a ?? constant))
        expect(valuesOf(column)).toEqual(before)
      }),
      { seed, numRuns: 60 },
    )
  })

  it('refuses another type, a nested one, and another number of rows', () => {
    const ints = columnOf({ kind: 'int32' }, [1, null, 3])
    expect(() => fillNulls(ints, columnOf({ kind: 'utf8' }, ['x']))).toThrow(
      expect.objectContaining({ code: 'KERNEL_TYPE' }),
    )
    expect(() => fillNulls(ints, columnOf({ kind: 'int32' }, [1, 2]))).toThrow(
      expect.objectContaining({ code: 'KERNEL_TYPE' }),
    )
    const list: DataType = { kind: 'list', item: { name: 'element', type: { kind: 'int32' }, nullable: true } }
    const lists = columnOf(list, [[1], null])
    expect(() => fillNulls(lists, lists)).toThrow(expect.objectContaining({ code: 'KERNEL_TYPE' }))
  })
})
