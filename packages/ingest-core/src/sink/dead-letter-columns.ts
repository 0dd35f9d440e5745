import type { Schema } from '@sluice/columnar'
import { arrowSchemaOf, getContract } from '@sluice/schemas'

let schema: Schema | undefined

/** Columns of a dead-letter file: those of the contract `sluice.DeadLetter`. */
export function deadLetterColumns(): Schema {
  return (schema ??= arrowSchemaOf(getContract('sluice.DeadLetter')))
}
