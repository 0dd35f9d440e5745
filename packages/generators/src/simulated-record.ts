import type { Row } from './domain.ts'
import type { FaultName } from './fault-names.ts'
import type { OutRecord } from './outputs.ts'

/** What must become of a record. `stored` and `late` rows land with `rowHash`; the others leave no row. */
export type Expectation = 'stored' | 'late' | 'dead-letter' | 'filtered'

/** A record with everything that is known about it. `offset` counts from 0 per partition until an output says more. */
export interface SimulatedRecord extends OutRecord {
  readonly topic: string
  offset: number
  readonly fault?: FaultName
  readonly expect: Expectation
  readonly code?: string
  readonly id: string | null
  readonly duplicateOf?: SimulatedRecord
  readonly rowHash?: string
  /** The row as it must land; null when the record must not become one. */
  readonly row: Row | null
}
