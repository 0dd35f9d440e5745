/** A logical type that is valid where it stands. Unknown or misplaced ones are ignored, as the specification asks. */
export type Logical =
  { readonly name: 'decimal'; readonly precision: number; readonly scale: number } | { readonly name: PlainLogical }

export type PlainLogical =
  | 'uuid'
  | 'duration'
  | 'date'
  | 'time-millis'
  | 'time-micros'
  | 'timestamp-millis'
  | 'timestamp-micros'
  | 'timestamp-nanos'
  | 'local-timestamp-millis'
  | 'local-timestamp-micros'
  | 'local-timestamp-nanos'

export interface PrimitiveNode {
  readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'
  readonly logical?: Logical
}

export interface FixedNode {
  readonly kind: 'fixed'
  readonly name: string
  readonly aliases: readonly string[]
  readonly size: number
  readonly logical?: Logical
}

export interface EnumNode {
  readonly kind: 'enum'
  readonly name: string
  readonly aliases: readonly string[]
  readonly symbols: readonly string[]
  readonly default?: string
  readonly doc?: string
}

export interface ArrayNode {
  readonly kind: 'array'
  readonly items: AvroNode
}

export interface MapNode {
  readonly kind: 'map'
  readonly values: AvroNode
}

export interface UnionNode {
  readonly kind: 'union'
  readonly branches: readonly AvroNode[]
}

export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: AvroNode
  readonly hasDefault: boolean
  /** The default as written in the schema; meaningful only with `hasDefault`. */
  readonly default?: unknown
  readonly doc?: string
}

export interface RecordNode {
  readonly kind: 'record'
  /** Full name: namespace and name. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly fields: readonly AvroField[]
  readonly doc?: string
}

export type NamedNode = FixedNode | EnumNode | RecordNode

/** A vetted schema. References to a named type are one object, so a recursive schema is a cyclic graph. */
export type AvroNode = PrimitiveNode | FixedNode | EnumNode | ArrayNode | MapNode | UnionNode | RecordNode

/** Caps on a schema, checked before anything recurses into it (RELIABILITY input 11). */
export interface AvroLimits {
  /** Bytes of the schema text, UTF-8. */
  readonly maxBytes: number
  /** Nesting of JSON objects and arrays. */
  readonly maxDepth: number
  /** Fields of all records together. */
  readonly maxFields: number
  /** Symbols of all enums together. */
  readonly maxSymbols: number
  /** Columns at all levels once named types are expanded where they are used. */
  readonly maxColumns: number
}

export const avroLimits: AvroLimits = Object.freeze({
  maxBytes: 1 << 20,
  maxDepth: 64,
  maxFields: 5_000,
  maxSymbols: 20_000,
  maxColumns: 10_000,
})

/** Name without its namespace. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/** How a type is called in messages: kind, name, logical type. Built from vetted names only. */
export function describeNode(node: AvroNode): string {
  if (node.kind === 'union') return `union [${node.branches.map(describeNode).join(', ')}]`
  if (node.kind === 'record' || node.kind === 'enum') return `${node.kind} ${node.name}`
  if (node.kind === 'array' || node.kind === 'map') return node.kind
  const base = node.kind === 'fixed' ? `fixed(${node.size}) ${node.name}` : node.kind
  if (node.logical === undefined) return base
  const { logical } = node
  return logical.name === 'decimal'
    ? `${base} decimal(${logical.precision}, ${logical.scale})`
    : `${base} ${logical.name}`
}
