import type { ColumnNode } from '../builder/layout.ts'
import type { AvroNode, EnumNode, FixedNode, PrimitiveNode } from './model.ts'

/** What to do with the next value of the writer, or, for `default` and `null`, without one. */
export type Plan =
  | { readonly op: 'skip'; readonly writer: AvroNode }
  /** Nothing is read; the column gets null. */
  | { readonly op: 'null'; readonly column: ColumnNode }
  /** Nothing is read; the column gets a value of the form `writeValue` takes. */
  | { readonly op: 'default'; readonly column: ColumnNode; readonly value: unknown }
  /** One primitive or fixed value, promoted to the column's type if need be. */
  | { readonly op: 'scalar'; readonly column: ColumnNode; readonly writer: PrimitiveNode | FixedNode }
  /** `symbols[i]` is the column's index for the writer's symbol `i`, or -1. */
  | { readonly op: 'enum'; readonly column: ColumnNode; readonly writer: EnumNode; readonly symbols: Int32Array }
  | { readonly op: 'struct'; readonly column: ColumnNode; readonly steps: readonly Step[] }
  | { readonly op: 'list'; readonly column: ColumnNode; readonly item: Plan; readonly writerItem: AvroNode }
  | { readonly op: 'map'; readonly column: ColumnNode; readonly value: Plan; readonly writerValue: AvroNode }
  /** Union of the writer: a plan per branch, `undefined` where the reader cannot take it. */
  | { readonly op: 'switch'; readonly column: ColumnNode; readonly branches: readonly (Plan | undefined)[] }
  /** Union of several types of the reader: a struct of tag and members. */
  | { readonly op: 'member'; readonly column: ColumnNode; readonly member: number; readonly plan: Plan }

/** A part of a record, with its path for error messages. */
export interface Step {
  readonly path: string
  readonly plan: Plan
}
