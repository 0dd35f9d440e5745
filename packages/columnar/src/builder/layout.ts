import type { DataType, Field, Schema } from '../types.ts'

/** Where the values of a column are kept while rows are added. */
export type Storage = 'none' | 'bits' | 'ints' | 'longs' | 'floats' | 'doubles' | 'bytes' | 'fixed' | 'struct' | 'list'

/** A column at any level, numbered in pre-order over the whole schema. */
export interface ColumnNode {
  readonly index: number
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  /** Nullable, or a child of a struct that can be null. */
  readonly tracksNulls: boolean
  readonly storage: Storage
  /** Bytes per value of storage `fixed`, else 0. */
  readonly width: number
  /** Columns of one group always have equally many slots: group 0 one per row, others one per item of a list or map. */
  readonly group: number
  readonly children: readonly ColumnNode[]
}

export interface Layout {
  readonly schema: Schema
  /** All columns, by index. */
  readonly columns: readonly ColumnNode[]
  /** Columns of the schema's fields. */
  readonly roots: readonly ColumnNode[]
  /** Columns per group. */
  readonly groups: readonly (readonly ColumnNode[])[]
}

export function storageOf(type: DataType): Storage {
  switch (type.kind) {
    case 'null':
      return 'none'
    case 'boolean':
      return 'bits'
    case 'int32':
    case 'date':
    case 'enum':
      return 'ints'
    case 'time':
      return type.unit === 'milli' ? 'ints' : 'longs'
    case 'int64':
    case 'timestamp':
      return 'longs'
    case 'float32':
      return 'floats'
    case 'float64':
      return 'doubles'
    case 'utf8':
    case 'binary':
      return 'bytes'
    case 'fixed':
    case 'uuid':
    case 'decimal':
      return 'fixed'
    case 'list':
    case 'map':
      return 'list'
    case 'struct':
      return 'struct'
  }
}

function widthOf(type: DataType): number {
  if (type.kind === 'fixed') return type.size
  return type.kind === 'uuid' || type.kind === 'decimal' ? 16 : 0
}

const keyField: Field = { name: 'key', type: { kind: 'utf8' }, nullable: false }

/** Child fields of a type in the order of `Column.children`. */
export function childFields(type: DataType): readonly Field[] {
  if (type.kind === 'list') return [type.item]
  if (type.kind === 'map') return [keyField, type.value]
  return type.kind === 'struct' ? type.fields : []
}

export function layoutOf(schema: Schema): Layout {
  const columns: ColumnNode[] = []
  const groups: ColumnNode[][] = [[]]
  const add = (field: Field, group: number, parentTracksNulls: boolean): ColumnNode => {
    const index = columns.length
    columns.push(undefined as never)
    const storage = storageOf(field.type)
    const tracksNulls = field.nullable || parentTracksNulls
    let childGroup = group
    if (storage === 'list') {
      childGroup = groups.length
      groups.push([])
    }
    const node: ColumnNode = {
      index,
      name: field.name,
      type: field.type,
      nullable: field.nullable,
      tracksNulls,
      storage,
      width: widthOf(field.type),
      group,
      children: childFields(field.type).map((child) => add(child, childGroup, storage === 'struct' && tracksNulls)),
    }
    columns[index] = node
    groups[group]!.push(node)
    return node
  }
  const roots = schema.fields.map((field) => add(field, 0, false))
  return { schema, columns, roots, groups }
}

/** Whether two schemas have the same columns; field ids do not matter. */
export function sameColumns(a: Schema, b: Schema): boolean {
  return (
    a === b || (a.fields.length === b.fields.length && a.fields.every((field, i) => sameField(field, b.fields[i]!)))
  )
}

function sameField(a: Field, b: Field): boolean {
  return a === b || (a.name === b.name && a.nullable === b.nullable && sameType(a.type, b.type))
}

/** Names of list items and map values carry no meaning. */
function sameSlot(a: Field, b: Field): boolean {
  return a.nullable === b.nullable && sameType(a.type, b.type)
}

/** Whether two types are equal; field ids do not matter. */
export function sameType(a: DataType, b: DataType): boolean {
  if (a === b) return true
  switch (a.kind) {
    case 'fixed':
      return b.kind === 'fixed' && a.size === b.size
    case 'enum':
      return b.kind === 'enum' && a.symbols.length === b.symbols.length && a.symbols.every((s, i) => s === b.symbols[i])
    case 'decimal':
      return b.kind === 'decimal' && a.precision === b.precision && a.scale === b.scale
    case 'time':
      return b.kind === 'time' && a.unit === b.unit
    case 'timestamp':
      return b.kind === 'timestamp' && a.unit === b.unit && a.utc === b.utc
    case 'list':
      return b.kind === 'list' && sameSlot(a.item, b.item)
    case 'map':
      return b.kind === 'map' && sameSlot(a.value, b.value)
    case 'struct':
      return (
        b.kind === 'struct' &&
        a.fields.length === b.fields.length &&
        a.fields.every((f, i) => sameField(f, b.fields[i]!))
      )
    default:
      return a.kind === b.kind
  }
}
