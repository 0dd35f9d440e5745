import { describe, expect, it } from 'vitest'
import { pipelineHealth } from '@sluice/runtime'
import type { PipelineStatus } from '@sluice/ingest-core'
import { NOW, partitionStatus, pipelineStatus } from './pipeline-status.ts'

const stallAfterMs = 60_000
const health = (status: PipelineStatus | undefined, since = NOW) =>
  pipelineHealth(status, { now: NOW, since, stallAfterMs })
const long = NOW - stallAfterMs - 1

describe('health is progress or idle (guard rail 5)', () => {
  it('is green while the loop reads, whatever there is to read', () => {
    const green = { live: true, ready: true }
    expect(health(pipelineStatus())).toEqual(green)
    expect(health(pipelineStatus({ partitions: [partitionStatus(0, { busySince: NOW - 1000 })] }))).toEqual(green)
    // Idle for ever: nothing is under way.
    const idle = pipelineStatus({ loop: { waitsFor: 'partitions', since: long }, partitions: [partitionStatus(0)] })
    expect(health(idle)).toEqual(green)
  })

  it('is red for both when a read never returns', () => {
    const found = health(pipelineStatus({ loop: { waitsFor: 'source', since: long } }))
    expect(found).toEqual({ live: false, ready: false, detail: 'loop stalled: a read is under way for 60 s' })
  })

  it('is red when a partition neither moves nor says what it waits for', () => {
    const stuck = partitionStatus(3, { busySince: long })
    expect(health(pipelineStatus({ partitions: [partitionStatus(1), stuck] }))).toEqual({
      live: false,
      ready: false,
      detail: 'orders[3] stalled: no progress for 60 s',
    })
    const opening = partitionStatus(3, { busySince: long, state: 'opening' })
    expect(health(pipelineStatus({ partitions: [opening] })).live).toBe(false)
  })

  it('is red when everything waits for memory that nobody frees, green while somebody does', () => {
    const waiting = { loop: { waitsFor: 'memory', since: long } } as const
    expect(health(pipelineStatus({ ...waiting, partitions: [partitionStatus(0)] })).live).toBe(false)
    const working = [partitionStatus(0, { busySince: NOW - 10 })]
    expect(health(pipelineStatus({ ...waiting, partitions: working })).live).toBe(true)
  })

  it('is alive but not ready while something is away that a restart does not mend (fault 14)', () => {
    const source = { code: 'SOURCE_UNAVAILABLE', message: 'no broker', since: long }
    expect(health(pipelineStatus({ source, loop: { waitsFor: 'retry', since: long } }))).toEqual({
      live: true,
      ready: false,
      detail: 'the source cannot be read: SOURCE_UNAVAILABLE',
    })
    const error = { code: 'REGISTRY_UNAVAILABLE', message: 'away' }
    const waits = partitionStatus(0, { state: 'backing-off', busySince: long, error })
    expect(health(pipelineStatus({ partitions: [waits] }))).toEqual({
      live: true,
      ready: false,
      detail: 'orders[0] is backing-off (REGISTRY_UNAVAILABLE)',
    })
    expect(health(pipelineStatus({ partitions: [partitionStatus(0, { state: 'stopped' })] })).ready).toBe(false)
  })

  it('does not take for a stall what commits are held up for by decision (fault 36)', () => {
    const status = pipelineStatus({ partitions: [partitionStatus(0, { busySince: long })] })
    const options = { now: NOW, since: NOW, stallAfterMs, heldUpBy: 'the dead-letter topic' }
    expect(pipelineHealth(status, options)).toEqual({
      live: true,
      ready: false,
      detail: 'held up by the dead-letter topic',
    })
  })

  it('waits for a start, but not for ever, and is red at the end', () => {
    expect(health(undefined)).toEqual({ live: true, ready: false, detail: 'starting' })
    expect(health(undefined, long)).toEqual({ live: false, ready: false, detail: 'still starting after 60 s' })
    expect(health(pipelineStatus({ running: false })).live).toBe(false)
  })

  it('names a few of many troubles', () => {
    const partitions = Array.from({ length: 9 }, (_, i) => partitionStatus(i, { state: 'paused' }))
    expect(health(pipelineStatus({ partitions })).detail).toMatch(/orders\[4\] is paused; and 4 more$/)
  })
})
