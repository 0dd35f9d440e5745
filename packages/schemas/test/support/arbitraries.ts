import fc from 'fast-check'
import { branchName, type AvroNode } from '../../src/avro/model.ts'
import { decimalText, powerOfTen } from '../../src/avro/decimal.ts'
import type { AvroSchema } from '../../src/contract.ts'
import type { Row, RowValue } from '../../src/codec/row.ts'

/** Names that break naive object handling (RELIABILITY input 12) beside ordinary ones. */
export const trickyNames = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '_proto__', 'valueOf', 'a', 'b2']

const int64 = fc.oneof(
  fc.constantFrom(0n, -1n, 1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)
const int32 = fc.oneof(fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31), 63, 64, -64, -65), fc.integer())
const text = fc.oneof(
  fc.constantFrom('', '\0', '\ufeffbom', '🥐', '\'"\\'),
  fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed()),
)
const bytes = fc.uint8Array({ maxLength: 12 })
const double = fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, -0, 5e-324), fc.double())

/** Rows of a schema, depth bounded. */
export function rowsOf(node: AvroNode, depth = 0): fc.Arbitrary<RowValue> {
  const logical = 'logical' in node ? node.logical : undefined
  if (logical?.name === 'decimal') {
    const most = powerOfTen(logical.precision) - 1n
    return fc
      .oneof(fc.constantFrom(0n, most, -most, -1n), fc.bigInt({ min: -most, max: most }))
      .map((unscaled) => decimalText(unscaled, logical.scale))
  }
  if (logical?.name === 'uuid') return fc.uuid()
  switch (node.kind) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'int':
      return int32
    case 'long':
      return int64
    case 'float':
      return double.map(Math.fround)
    case 'double':
      return double
    case 'string':
      return text
    case 'bytes':
      return bytes
    case 'fixed':
      return fc.uint8Array({ minLength: node.size, maxLength: node.size })
    case 'enum':
      return fc.constantFrom(...node.symbols)
    case 'array':
      return depth > 6 ? fc.constant([]) : fc.array(rowsOf(node.items, depth + 1), { maxLength: 4 })
    case 'map':
      return depth > 6
        ? fc.constant(nullObject([]))
        : fc
            .uniqueArray(fc.tuple(fc.oneof(fc.constantFrom(...trickyNames), text), rowsOf(node.values, depth + 1)), {
              maxLength: 4,
              selector: ([key]) => key,
            })
            .map(nullObject)
    case 'record':
      return fc
        .tuple(...node.fields.map((field) => rowsOf(field.type, depth + 1)))
        .map((values) => nullObject(node.fields.map((field, i) => [field.name, values[i]!])))
    case 'union': {
      const others = node.branches.filter((branch) => branch.kind !== 'null')
      const nullable = others.length < node.branches.length
      if (depth > 6 && nullable) return fc.constant(null)
      const plain = others.length <= 1
      const values = others.map((branch) =>
        rowsOf(branch, depth + 1).map((value) => (plain ? value : nullObject([[branchName(branch), value]]))),
      )
      return fc.oneof(...values, ...(nullable ? [fc.constant(null)] : []))
    }
  }
}

function nullObject(entries: readonly (readonly [string, RowValue])[]): Row {
  const row = Object.create(null) as Row
  for (const [key, value] of entries) row[key] = value
  return row
}

/** Random schemas: records of records, arrays, maps, unions, enums, fixed and logical types, with tricky names. */
export const schemas: fc.Arbitrary<AvroSchema> = fc.integer({ min: 0, max: 2 ** 30 }).map((seed) => {
  let state = seed
  let names = 0
  const pick = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >> 8) % n
  }
  const leaf = (): AvroSchema => {
    const leaves: AvroSchema[] = [
      'null',
      'boolean',
      'int',
      'long',
      'float',
      'double',
      'string',
      'bytes',
      { type: 'string', logicalType: 'uuid' },
      { type: 'int', logicalType: 'date' },
      { type: 'long', logicalType: 'timestamp-micros' },
      { type: 'bytes', logicalType: 'decimal', precision: 1 + pick(30), scale: 1 },
      { type: 'fixed', name: `F${names++}`, size: pick(5) },
      { type: 'fixed', name: `D${names++}`, size: 8, logicalType: 'decimal', precision: 18, scale: 4 },
      { type: 'enum', name: `E${names++}`, symbols: ['__proto__', 'constructor', 'A'].slice(pick(3)) },
    ]
    return leaves[pick(leaves.length)]!
  }
  const any = (depth: number): AvroSchema => {
    if (depth > 3) return leaf()
    switch (pick(8)) {
      case 0:
        return record(depth)
      case 1:
        return { type: 'array', items: any(depth + 1) as object }
      case 2:
        return { type: 'map', values: any(depth + 1) as object }
      case 3: {
        const one = leaf()
        return one === 'null' ? ['null'] : pick(2) === 0 ? ['null', one] : [one, 'null']
      }
      case 4:
        return ['string', 'null', 'long', { type: 'array', items: leaf() as object }, record(depth + 1)]
      default:
        return leaf()
    }
  }
  const record = (depth: number): AvroSchema => {
    const count = pick(5)
    const start = pick(trickyNames.length)
    const fields = Array.from({ length: count }, (_, i) => ({
      name: trickyNames[(start + i) % trickyNames.length]!,
      type: any(depth + 1),
    }))
    return { type: 'record', name: `R${names++}`, fields }
  }
  return record(0)
})
