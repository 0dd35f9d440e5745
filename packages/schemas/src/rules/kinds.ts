import type { AvroNode } from '../avro/model.ts'
import { logicalOf } from '../contracts/field-path.ts'

/** Plain numbers and decimals: what bounds apply to. */
export function isNumeric(node: AvroNode): boolean {
  const logical = logicalOf(node)?.name
  if (node.kind === 'bytes' || node.kind === 'fixed') return logical === 'decimal'
  return logical === undefined && ['int', 'long', 'float', 'double'].includes(node.kind)
}

/** Dates, times of day and timestamps. */
export function isTemporal(node: AvroNode): boolean {
  return (node.kind === 'int' || node.kind === 'long') && logicalOf(node) !== undefined
}

/** Strings (without logical type) and enums: what `oneOf` and `when` apply to. */
export function isText(node: AvroNode): boolean {
  return node.kind === 'enum' || (node.kind === 'string' && node.logical === undefined)
}

/** Same kind, logical type and scale: values of the two can be compared as they are stored. */
export function sameType(a: AvroNode, b: AvroNode): boolean {
  const left = logicalOf(a)
  const right = logicalOf(b)
  const scales = left?.name === 'decimal' && right?.name === 'decimal' ? left.scale === right.scale : true
  return a.kind === b.kind && left?.name === right?.name && scales
}
