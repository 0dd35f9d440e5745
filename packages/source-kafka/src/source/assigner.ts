import { SourceError, waitFor } from '@sluice/ingest-core'
import type { AssignmentChange, PartitionId, PartitionTable } from '@sluice/ingest-core'
import type { GroupPartition, Membership } from '../group/membership.ts'
import type { Directory } from './directory.ts'
import type { ResolvedSourceOptions } from './options.ts'
import type { Refusals } from './refusals.ts'

/** Keeps the table of partitions at what the group, or the option, says, and tells each change once. */
export interface Assigner {
  changes(signal: AbortSignal): AsyncGenerator<AssignmentChange>
}

/** What the assigner needs to know of one partition's state. */
export interface Assigned {
  readonly partition: PartitionId
  readonly trouble: SourceError | undefined
}

export interface AssignerParts<S extends Assigned> {
  readonly name: string
  readonly options: ResolvedSourceOptions
  readonly directory: Directory
  readonly table: PartitionTable<S>
  readonly make: (partition: PartitionId) => S
  /** Stops the partition with the reason. */
  readonly stop: (state: S, trouble: SourceError) => void
  readonly membership: Membership | undefined
  readonly refusals: Refusals
}

export function createAssigner<S extends Assigned>(parts: AssignerParts<S>): Assigner {
  const { name, options, directory, table, make, stop, membership, refusals } = parts
  const queue: AssignmentChange[] = []
  let wake = Promise.withResolvers<void>()
  let started = false
  let joined = false
  let trouble: unknown
  /** What the group said last; looked up again when the metadata changed. */
  let target: readonly GroupPartition[] = []
  let work: Promise<void> = Promise.resolve()

  function put(present: readonly PartitionId[]): void {
    if (table.closed.aborted) return
    const change = table.replace(present, make)
    if (change.assigned.length > 0 || change.revoked.length > 0) queue.push(change)
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }

  function listed(): PartitionId[] {
    const all = directory.partitions()
    const { assignment } = options
    const only = assignment.kind === 'static' ? assignment.partitions : undefined
    return only === undefined ? [...all] : all.filter(({ topic, partition }) => only[topic]?.includes(partition))
  }

  /** Partitions of a topic that was deleted or replaced stay here, stopped with the reason: they must not vanish silently. */
  function settle(wanted: readonly PartitionId[]): void {
    const gone = table.all().filter(({ partition }) => {
      if (wanted.some((each) => isSame(each, partition))) return false
      return replacement(partition) !== undefined
    })
    put([...wanted, ...gone.map(({ partition }) => partition)])
    for (const { state } of table.all()) {
      if (state.trouble !== undefined) continue
      const error = replacement(state.partition)
      // One that is merely out of sight is looked for again.
      if (error?.code === 'SOURCE_REPLACED') stop(state, error)
    }
  }

  function replacement(partition: PartitionId): SourceError | undefined {
    try {
      directory.check(partition)
      return undefined
    } catch (error) {
      return error instanceof SourceError ? error : undefined
    }
  }

  async function lookUp(maxAgeMs: number): Promise<void> {
    await directory.refresh(maxAgeMs)
    if (membership === undefined) return settle(listed())
    settle(target.flatMap(({ topic, partition }) => directory.find(topic, partition) ?? []))
  }

  /** One look at a time, in the order they were asked for. */
  function inTurn(run: () => Promise<void>): Promise<void> {
    work = work.then(run).catch((error: unknown) => {
      trouble = error
      wake.resolve()
      wake = Promise.withResolvers<void>()
    })
    return work
  }

  async function start(): Promise<void> {
    await directory.refresh(0)
    const missing = directory.missing()
    if (missing.length > 0) {
      throw new SourceError('SOURCE_TOPIC_UNKNOWN', `the cluster has no topic ${missing.join(', ')}`, { source: name })
    }
    if (membership === undefined) {
      settle(listed())
      joined = true
    } else {
      membership.start({
        assigned(partitions) {
          target = partitions
          void inTurn(async () => {
            await lookUp(0)
            joined = true
          })
        },
        lost() {
          target = []
          put([])
        },
        trouble(error) {
          trouble = error ?? undefined
        },
      })
    }
    void refreshing()
  }

  async function refreshing(): Promise<void> {
    while (await waitFor(options.refreshMs, table.closed)) {
      if (joined) await inTurn(() => lookUp(options.refreshMs / 2))
    }
  }

  return {
    async *changes(signal) {
      table.assertOpen()
      const ended = AbortSignal.any([signal, table.closed])
      if (!started) {
        started = true
        try {
          await start()
        } catch (error) {
          started = false
          throw error
        }
      }
      const until = Date.now() + options.joinTimeoutMs
      let first = true
      while (!ended.aborted) {
        const woken = wake.promise
        if (queue.length > 0) {
          first = false
          yield queue.shift()!
        } else if (first && joined) {
          first = false
          yield { assigned: [], revoked: [] }
        } else if (joined) await Promise.race([woken, waitFor(undefined, ended)])
        else if (Date.now() > until) {
          const why = trouble instanceof Error ? `: ${trouble.message}` : ''
          throw refusals.unavailable(
            `group ${options.groupId ?? ''} gave no assignment in ${options.joinTimeoutMs} ms${why}`,
            trouble,
          )
        } else await Promise.race([woken, waitFor(200, ended)])
      }
    },
  }
}

function isSame(a: PartitionId, b: PartitionId): boolean {
  return a.clusterId === b.clusterId && a.topicId === b.topicId && a.partition === b.partition
}
