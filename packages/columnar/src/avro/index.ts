/** The Avro model of the house: parsing, and the rules of resolution that every reader of Avro here follows. */
export { parseAvro } from './parse.ts'
export type { AvroSource } from './parse.ts'
export { avroLimits, describeNode, shortName } from './model.ts'
export type {
  ArrayNode,
  AvroField,
  AvroLimits,
  AvroNode,
  EnumNode,
  FixedNode,
  Logical,
  MapNode,
  NamedNode,
  PlainLogical,
  PrimitiveNode,
  RecordNode,
  UnionNode,
} from './model.ts'
export { defaultValue } from './defaults.ts'
export { branchesInOrder, isScalar, matchFields, sameName, scalarMismatch } from './resolution-rules.ts'
export type { AliasClash, FieldMatch, ScalarMismatch } from './resolution-rules.ts'
