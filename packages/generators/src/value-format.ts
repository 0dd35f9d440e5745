import type { Row } from './domain.ts'
import type { FaultName } from './fault-names.ts'
import type { RecordHeader } from './outputs.ts'
import type { Random } from './prng.ts'

/** Bytes damaged so that exactly one dead-letter code is possible, with that code. */
export interface DamagedValue {
  readonly value: Uint8Array
  readonly code: string
  readonly headers?: readonly RecordHeader[]
}

/** Encodes a row with a fault in it; `undefined` when this row cannot have it. */
export type DamageRow = (row: Row, random: Random) => DamagedValue | undefined

/** How rows of a feed become record values, and how such values are damaged. */
export interface ValueFormat {
  /** Value of a record, ready for the topic. The bytes stay valid. */
  encode(row: Row): Uint8Array
  /** The row as a reader of the contract's latest schema sees it: every field present. */
  read(row: Row): Row
  /** The bad-data faults that this format can express with this schema. */
  readonly damages: Readonly<Partial<Record<FaultName, DamageRow>>>
}
