import type { DataType, Field, Schema } from '../types.ts'
import { ColumnarError } from '../errors.ts'
import { Converted, Logical, Physical, Repetition } from './format.ts'
import type { ThriftWriter } from './thrift-compact.ts'

/** One `SchemaElement` of the footer. */
interface SchemaElement {
  readonly name: string
  readonly physical?: Physical
  readonly typeLength?: number
  readonly repetition?: Repetition
  readonly children?: number
  readonly converted?: Converted
  readonly decimal?: { readonly precision: number; readonly scale: number }
  readonly fieldId?: number
  readonly logical?: (thrift: ThriftWriter) => void
}

/** A primitive column of the file. `maxDef` and `maxRep` are its highest definition and repetition level. */
export interface Leaf {
  readonly index: number
  readonly path: readonly string[]
  readonly type: DataType
  readonly physical: Physical
  /** Bytes per value of FIXED, else 0. */
  readonly typeLength: number
  readonly maxDef: number
  readonly maxRep: number
}

/**
 * How a column is taken apart into leaves. `def` is the definition level of an entry that is present here;
 * `rep` is the repetition level of the second and later entries of a list or map.
 */
export type TreeNode =
  | { readonly kind: 'leaf'; readonly nullable: boolean; readonly def: number; readonly leaf: Leaf }
  | {
      readonly kind: 'struct'
      readonly nullable: boolean
      readonly def: number
      readonly children: readonly TreeNode[]
    }
  | {
      readonly kind: 'repeated'
      readonly nullable: boolean
      readonly def: number
      readonly rep: number
      readonly children: readonly TreeNode[]
    }

export interface SchemaTree {
  readonly elements: readonly SchemaElement[]
  readonly columns: readonly TreeNode[]
  readonly leaves: readonly Leaf[]
}

/** Fewest bytes whose two's complement holds every decimal of `precision` digits. */
export function decimalBytes(precision: number): number {
  return Math.ceil((precision * Math.log2(10) + 1) / 8)
}

/**
 * Maps a schema to Parquet: lists and maps in the standard three-level form, enums as STRING.
 * @throws {ColumnarError} PARQUET_SCHEMA for what Parquet cannot hold: no columns, a struct without fields, two
 * columns of one name, a decimal over 38 digits.
 */
export function parquetSchema(schema: Schema): SchemaTree {
  if (schema.fields.length === 0) throw refuse('', 'has no columns; a Parquet file needs at least one')
  const elements: SchemaElement[] = [{ name: 'schema', children: schema.fields.length }]
  const leaves: Leaf[] = []

  function fields(list: readonly Field[], path: readonly string[], def: number, rep: number): TreeNode[] {
    const names = new Set<string>()
    for (const { name } of list) {
      if (names.has(name)) throw refuse([...path, name].join('.'), 'is defined twice; rename one of the two')
      names.add(name)
    }
    return list.map((field) => node(field, field.name, path, def, rep))
  }

  function node(field: Field, name: string, outer: readonly string[], outerDef: number, rep: number): TreeNode {
    const { type, fieldId } = field
    const nullable = field.nullable || type.kind === 'null'
    const def = outerDef + (nullable ? 1 : 0)
    const path = [...outer, name]
    const repetition = nullable ? Repetition.OPTIONAL : Repetition.REQUIRED
    const base = { name, repetition, ...(fieldId === undefined ? {} : { fieldId }) }
    switch (type.kind) {
      case 'struct':
        if (type.fields.length === 0) throw refuse(path.join('.'), 'is a struct without fields; leave it out')
        elements.push({ ...base, children: type.fields.length })
        return { kind: 'struct', nullable, def, children: fields(type.fields, path, def, rep) }
      case 'list':
        elements.push({ ...base, children: 1, converted: Converted.LIST, logical: annotation(Logical.LIST) })
        elements.push({ name: 'list', repetition: Repetition.REPEATED, children: 1 })
        return {
          kind: 'repeated',
          nullable,
          def,
          rep: rep + 1,
          children: [node(type.item, 'element', [...path, 'list'], def + 1, rep + 1)],
        }
      case 'map': {
        elements.push({ ...base, children: 1, converted: Converted.MAP, logical: annotation(Logical.MAP) })
        elements.push({ name: 'key_value', repetition: Repetition.REPEATED, children: 2 })
        const key: Field = {
          name: 'key',
          type: { kind: 'utf8' },
          nullable: false,
          ...(type.keyFieldId === undefined ? {} : { fieldId: type.keyFieldId }),
        }
        const inner = [...path, 'key_value']
        const keys = node(key, 'key', inner, def + 1, rep + 1)
        return {
          kind: 'repeated',
          nullable,
          def,
          rep: rep + 1,
          children: [keys, node(type.value, 'value', inner, def + 1, rep + 1)],
        }
      }
      default: {
        const primitive = primitiveOf(type, path)
        elements.push({ ...base, ...primitive })
        const leaf: Leaf = {
          index: leaves.length,
          path,
          type,
          physical: primitive.physical,
          typeLength: primitive.typeLength ?? 0,
          maxDef: def,
          maxRep: rep,
        }
        leaves.push(leaf)
        return { kind: 'leaf', nullable, def, leaf }
      }
    }
  }

  const columns = fields(schema.fields, [], 0, 0)
  return { elements, columns, leaves }
}

type Primitive = Pick<SchemaElement, 'typeLength' | 'converted' | 'decimal' | 'logical'> & {
  readonly physical: Physical
}

function primitiveOf(type: DataType, path: readonly string[]): Primitive {
  switch (type.kind) {
    case 'null':
      return { physical: Physical.INT32, logical: annotation(Logical.UNKNOWN) }
    case 'boolean':
      return { physical: Physical.BOOLEAN }
    case 'int32':
      return { physical: Physical.INT32 }
    case 'int64':
      return { physical: Physical.INT64 }
    case 'float32':
      return { physical: Physical.FLOAT }
    case 'float64':
      return { physical: Physical.DOUBLE }
    case 'binary':
      return { physical: Physical.BYTE_ARRAY }
    case 'utf8':
    case 'enum':
      return { physical: Physical.BYTE_ARRAY, converted: Converted.UTF8, logical: annotation(Logical.STRING) }
    case 'fixed':
      if (!(Number.isInteger(type.size) && type.size > 0)) throw refuse(path.join('.'), 'has a size below 1 byte')
      return { physical: Physical.FIXED, typeLength: type.size }
    case 'uuid':
      return { physical: Physical.FIXED, typeLength: 16, logical: annotation(Logical.UUID) }
    case 'date':
      return { physical: Physical.INT32, converted: Converted.DATE, logical: annotation(Logical.DATE) }
    case 'decimal': {
      const { precision, scale } = type
      if (!(precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision))
        throw refuse(
          path.join('.'),
          `is decimal(${precision}, ${scale}); precision 1 to 38 and scale 0 to precision fit`,
        )
      const logical = annotation(Logical.DECIMAL, (t) => {
        t.i32(1, scale)
        t.i32(2, precision)
      })
      const base = { converted: Converted.DECIMAL, decimal: { precision, scale }, logical }
      if (precision <= 9) return { ...base, physical: Physical.INT32 }
      if (precision <= 18) return { ...base, physical: Physical.INT64 }
      return { ...base, physical: Physical.FIXED, typeLength: decimalBytes(precision) }
    }
    case 'time':
      // Avro's and Iceberg's time is a wall-clock time of day, which is not adjusted to UTC.
      return type.unit === 'milli'
        ? {
            physical: Physical.INT32,
            converted: Converted.TIME_MILLIS,
            logical: temporal(Logical.TIME, false, 'milli'),
          }
        : {
            physical: Physical.INT64,
            converted: Converted.TIME_MICROS,
            logical: temporal(Logical.TIME, false, 'micro'),
          }
    case 'timestamp': {
      const logical = temporal(Logical.TIMESTAMP, type.utc, type.unit)
      if (type.unit === 'nano') return { physical: Physical.INT64, logical }
      // The format asks for the older annotation on local timestamps too, for readers that know only that one.
      const converted = type.unit === 'milli' ? Converted.TIMESTAMP_MILLIS : Converted.TIMESTAMP_MICROS
      return { physical: Physical.INT64, converted, logical }
    }
    default:
      throw refuse(path.join('.'), `has the unknown type ${JSON.stringify((type as { kind: string }).kind)}`)
  }
}

/** A member of the `LogicalType` union: one field that holds a struct. */
function annotation(id: number, body: (thrift: ThriftWriter) => void = () => undefined) {
  return (thrift: ThriftWriter): void => thrift.struct(id, () => body(thrift))
}

const UNIT_ID = { milli: 1, micro: 2, nano: 3 } as const

function temporal(id: number, utc: boolean, unit: keyof typeof UNIT_ID) {
  return annotation(id, (t) => {
    t.boolean(1, utc)
    t.struct(2, () => t.struct(UNIT_ID[unit], () => undefined))
  })
}

/** Writes the flattened schema as field 2 of `FileMetaData`. */
export function writeSchemaElements(thrift: ThriftWriter, elements: readonly SchemaElement[]): void {
  thrift.structs(2, elements, (e) => {
    if (e.physical !== undefined) thrift.i32(1, e.physical)
    if (e.typeLength !== undefined) thrift.i32(2, e.typeLength)
    if (e.repetition !== undefined) thrift.i32(3, e.repetition)
    thrift.string(4, e.name)
    if (e.children !== undefined) thrift.i32(5, e.children)
    if (e.converted !== undefined) thrift.i32(6, e.converted)
    if (e.decimal) {
      thrift.i32(7, e.decimal.scale)
      thrift.i32(8, e.decimal.precision)
    }
    if (e.fieldId !== undefined) thrift.i32(9, e.fieldId)
    if (e.logical) thrift.struct(10, () => e.logical!(thrift))
  })
}

function refuse(path: string, what: string): ColumnarError {
  return new ColumnarError(
    'PARQUET_SCHEMA',
    `Parquet schema: ${path === '' ? 'it' : `column ${JSON.stringify(path)}`} ${what}.`,
  )
}
