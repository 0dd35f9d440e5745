export type BatchStatus = 'QUEUED' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'ON_HOLD'

/** A production batch as it moves through its states. */
export interface Batch {
  readonly id: string
  readonly productId: string
  readonly equipmentId: string
  readonly size: number
  readonly operatorId: string
  status: BatchStatus
  /** Planned start while QUEUED, real start afterwards. */
  startTime: number
  endTime: number | null
  /** Moment of the next change of state. */
  nextChange: number
  /** Running time still to go when put on hold. */
  remaining: number
  holds: number
}
