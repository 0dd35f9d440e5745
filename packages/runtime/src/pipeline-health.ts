import type { PipelineStatus } from '@sluice/ingest-core'
import type { Health } from './metrics.ts'

export interface HealthOptions {
  /** ms since epoch. */
  readonly now: number
  /** When the process began to set its pipeline up, ms since epoch. */
  readonly since: number
  /** Without a sign of life for this long, something hangs, ms. */
  readonly stallAfterMs: number
  /** What commits are held up for by decision, in words, such as a dead-letter topic that is away: no restart mends it. */
  readonly heldUpBy?: string | undefined
}

/**
 * Progress or idle, not merely "the process is alive" (guard rail 5). Live is red when the loop hangs or the pipeline has
 * ended: a restart is the right answer, and it loses nothing. Ready is also red while something is waited for that a
 * restart does not mend: source or registry away, a partition stopped, a circuit open (fault 14).
 */
export function pipelineHealth(status: PipelineStatus | undefined, options: HealthOptions): Health {
  const stall = describeStall(status, options)
  if (status === undefined) return { live: stall === undefined, ready: false, detail: stall ?? 'starting' }
  if (!status.running) return { live: false, ready: false, detail: 'the pipeline has ended' }
  const troubles = [
    ...(stall === undefined ? [] : [stall]),
    ...(options.heldUpBy === undefined ? [] : [`held up by ${options.heldUpBy}`]),
    ...(status.source === null ? [] : [`the source cannot be read: ${status.source.code}`]),
    ...status.partitions
      .filter(({ state }) => state === 'stopped' || state === 'paused' || state === 'backing-off')
      .map(({ partition, state, error }) => {
        const reason = error === null ? '' : ` (${error.code})`
        return `${partition.topic}[${partition.partition}] is ${state}${reason}`
      }),
  ]
  const ready = troubles.length === 0
  return { live: stall === undefined, ready, ...(ready ? {} : { detail: shortened(troubles) }) }
}

/** What hangs, in words; `undefined` while everything moves, is idle, or waits for something that is named elsewhere. */
export function describeStall(status: PipelineStatus | undefined, options: HealthOptions): string | undefined {
  const { now, since, stallAfterMs } = options
  const old = (at: number): boolean => now - at > stallAfterMs
  const age = (at: number): string => `${Math.round((now - at) / 1000)} s`
  if (status === undefined) return old(since) ? `still starting after ${age(since)}` : undefined
  if (!status.running) return undefined
  const { loop, partitions } = status
  if (loop.waitsFor === 'source' && old(loop.since)) return `loop stalled: a read is under way for ${age(loop.since)}`
  if (options.heldUpBy !== undefined) return undefined
  const stuck = partitions.filter(
    ({ state, busySince }) => (state === 'running' || state === 'opening') && busySince !== null && old(busySince),
  )
  if (stuck.length > 0) {
    const { partition, busySince } = stuck[0]!
    const more = stuck.length === 1 ? '' : ` and ${stuck.length - 1} more`
    return `${partition.topic}[${partition.partition}]${more} stalled: no progress for ${age(busySince!)}`
  }
  const working = partitions.some(({ busySince }) => busySince !== null)
  if (loop.waitsFor === 'memory' && !working && old(loop.since)) {
    return `loop stalled: waits for memory for ${age(loop.since)}, and nobody is about to free any`
  }
  return undefined
}

function shortened(troubles: readonly string[]): string {
  const shown = troubles.slice(0, 5).join('; ')
  return troubles.length > 5 ? `${shown}; and ${troubles.length - 5} more` : shown
}
