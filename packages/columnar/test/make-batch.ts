import type { Column, ColumnBatch, DataType, Schema } from '../src/types.ts'

/**
 * Builds columns from plain values for tests. null = null; int64, time(micro), timestamp and decimal (unscaled) =
 * bigint; binary, fixed = Uint8Array; uuid = text; enum = symbol; list = array; map = array of pairs; struct = object.
 */
export function makeBatch(schema: Schema, rows: readonly Record<string, unknown>[]): ColumnBatch {
  const columns = schema.fields.map(({ name, type }) =>
    makeColumn(
      type,
      rows.map((row) => row[name] ?? null),
    ),
  )
  return { schema, length: rows.length, columns }
}

export function makeColumn(type: DataType, values: readonly unknown[]): Column {
  const length = values.length
  const nullCount = values.filter((value) => value === null).length
  const validity = new Uint8Array(Math.ceil(length / 8))
  values.forEach((value, i) => {
    if (value !== null) validity[i >> 3]! |= 1 << (i & 7)
  })
  const base = { type, length, nullCount, ...(nullCount > 0 ? { validity } : {}) }
  switch (type.kind) {
    case 'null':
      return base
    case 'boolean': {
      const bits = new Uint8Array(Math.ceil(length / 8))
      values.forEach((value, i) => {
        if (value === true) bits[i >> 3]! |= 1 << (i & 7)
      })
      return { ...base, values: bits }
    }
    case 'int32':
    case 'date':
      return { ...base, values: Int32Array.from(values, (v) => (v ?? 0) as number) }
    case 'enum':
      return { ...base, values: Int32Array.from(values, (v) => (v === null ? 0 : type.symbols.indexOf(v as string))) }
    case 'time':
      return type.unit === 'milli'
        ? { ...base, values: Int32Array.from(values, (v) => (v ?? 0) as number) }
        : { ...base, values: BigInt64Array.from(values, (v) => (v ?? 0n) as bigint) }
    case 'int64':
    case 'timestamp':
      return { ...base, values: BigInt64Array.from(values, (v) => (v ?? 0n) as bigint) }
    case 'float32':
      return { ...base, values: Float32Array.from(values, (v) => (v ?? 0) as number) }
    case 'float64':
      return { ...base, values: Float64Array.from(values, (v) => (v ?? 0) as number) }
    case 'utf8':
      return {
        ...base,
        ...slab(values.map((v) => (v === null ? new Uint8Array() : new TextEncoder().encode(v as string)))),
      }
    case 'binary':
      return { ...base, ...slab(values.map((v) => (v ?? new Uint8Array()) as Uint8Array)) }
    case 'fixed':
      return { ...base, values: joined(values.map((v) => (v ?? new Uint8Array(type.size)) as Uint8Array)) }
    case 'uuid':
      return {
        ...base,
        values: joined(
          values.map((v) =>
            v === null ? new Uint8Array(16) : Uint8Array.from(Buffer.from((v as string).replaceAll('-', ''), 'hex')),
          ),
        ),
      }
    case 'decimal': {
      const out = new DataView(new ArrayBuffer(16 * length))
      values.forEach((value, i) => {
        const unscaled = (value ?? 0n) as bigint
        out.setBigInt64(16 * i, BigInt.asIntN(64, unscaled), true)
        out.setBigInt64(16 * i + 8, unscaled >> 64n, true)
      })
      return { ...base, values: new Uint8Array(out.buffer) }
    }
    case 'list': {
      const lists = values.map((v) => (v ?? []) as unknown[])
      return {
        ...base,
        offsets: offsetsOf(lists.map((list) => list.length)),
        children: [makeColumn(type.item.type, lists.flat(1))],
      }
    }
    case 'map': {
      const maps = values.map((v) => (v ?? []) as [string, unknown][])
      const pairs = maps.flat(1)
      return {
        ...base,
        offsets: offsetsOf(maps.map((map) => map.length)),
        children: [
          makeColumn(
            { kind: 'utf8' },
            pairs.map(([key]) => key),
          ),
          makeColumn(
            type.value.type,
            pairs.map(([, value]) => value),
          ),
        ],
      }
    }
    case 'struct':
      return {
        ...base,
        children: type.fields.map((field) =>
          makeColumn(
            field.type,
            values.map((v) => (v === null ? null : ((v as Record<string, unknown>)[field.name] ?? null))),
          ),
        ),
      }
  }
}

function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1)
  lengths.forEach((length, i) => {
    offsets[i + 1] = offsets[i]! + length
  })
  return offsets
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function slab(parts: readonly Uint8Array[]): { offsets: Int32Array; values: Uint8Array } {
  return { offsets: offsetsOf(parts.map((part) => part.length)), values: joined(parts) }
}
