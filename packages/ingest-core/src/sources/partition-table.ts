import type { AssignmentChange } from '../contracts/source.ts'
import type { PartitionId } from '../contracts/records.ts'
import { SourceError } from '../errors/source-error.ts'

interface Row<S> {
  readonly partition: PartitionId
  readonly state: S
  paused: boolean
  turn: Promise<unknown>
}

/** The assigned partitions of a source: who is there, who is paused, whose turn it is. */
export interface PartitionTable<S> {
  /** Aborted by `close`. */
  readonly closed: AbortSignal
  /** Makes `present` the assignment; new ones get a state, gone ones are let go. */
  replace(present: readonly PartitionId[], make: (partition: PartitionId) => S): AssignmentChange
  /** @throws SourceError PARTITION_NOT_ASSIGNED, SOURCE_CLOSED */
  get(partition: PartitionId): S
  /** Runs one call of a partition at a time. */
  exclusively<T>(partition: PartitionId, run: () => Promise<T>): Promise<T>
  pause(partition: PartitionId, paused: boolean): void
  isPaused(partition: PartitionId): boolean
  /** Whether `state` is still the assigned one. */
  holds(partition: PartitionId, state: S): boolean
  /** Puts the partition first in the next turn. */
  next(partition: PartitionId): void
  /** All that are assigned, also those that are paused. */
  all(): { readonly partition: PartitionId; readonly state: S }[]
  /** Partitions not paused that `ready` accepts, beginning one further each time. */
  turn(ready: (state: S) => boolean): { readonly partition: PartitionId; readonly state: S }[]
  assertOpen(): void
  close(): Promise<void>
}

export function createPartitionTable<S>(source: string, release: (state: S) => Promise<void>): PartitionTable<S> {
  const rows = new Map<string, Row<S>>()
  const ending = new AbortController()
  /** Revoked ones on their way out. */
  const releasing: Promise<void>[] = []
  let first = 0
  let closing: Promise<void> | undefined

  const keyOf = ({ clusterId, topicId, partition }: PartitionId): string => `${clusterId}/${topicId}/${partition}`

  function assertOpen(): void {
    if (closing !== undefined) throw new SourceError('SOURCE_CLOSED', `${source}: the source is closed`, { source })
  }

  function rowOf(partition: PartitionId): Row<S> {
    assertOpen()
    const row = rows.get(keyOf(partition))
    if (row === undefined) {
      const message = `${source}: ${partition.topic}-${partition.partition} (${partition.topicId}) is not assigned`
      throw new SourceError('PARTITION_NOT_ASSIGNED', message, { source })
    }
    return row
  }

  const letGo = (row: Row<S>): Promise<void> => row.turn.then(() => release(row.state))

  return {
    closed: ending.signal,
    replace(present, make) {
      assertOpen()
      const keys = new Set(present.map(keyOf))
      const revoked = [...rows].filter(([key]) => !keys.has(key))
      const assigned = present.filter((partition) => !rows.has(keyOf(partition)))
      for (const [key, row] of revoked) {
        rows.delete(key)
        releasing.push(letGo(row))
      }
      for (const partition of assigned) {
        rows.set(keyOf(partition), { partition, state: make(partition), paused: false, turn: Promise.resolve() })
      }
      return { assigned, revoked: revoked.map(([, row]) => row.partition) }
    },
    get: (partition) => rowOf(partition).state,
    async exclusively(partition, run) {
      const row = rowOf(partition)
      const result = row.turn.then(run)
      row.turn = result.catch(() => undefined)
      return result
    },
    pause(partition, paused) {
      const row = rows.get(keyOf(partition))
      if (row !== undefined) row.paused = paused
    },
    isPaused: (partition) => rows.get(keyOf(partition))?.paused === true,
    holds: (partition, state) => closing === undefined && rows.get(keyOf(partition))?.state === state,
    next(partition) {
      first = [...rows.keys()].indexOf(keyOf(partition)) - 1
    },
    all: () => [...rows.values()],
    turn(ready) {
      const all = [...rows.values()]
      if (all.length === 0) return []
      first = (first + 1) % all.length
      return [...all.slice(first), ...all.slice(0, first)].filter((row) => !row.paused && ready(row.state))
    },
    assertOpen,
    close() {
      closing ??= (async () => {
        ending.abort()
        await Promise.all([...rows.values()].map(letGo).concat(releasing))
        rows.clear()
      })()
      return closing
    },
  }
}
