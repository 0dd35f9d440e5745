import { describe, expect, it, vi } from 'vitest'
import { createDirectory } from '../src/source/directory.ts'
import { createRefusals } from '../src/source/refusals.ts'
import { fakeCluster, stateOf } from './fake-cluster.ts'

describe('directory', () => {
  it('does not follow its brokers into another cluster (fault 28)', async () => {
    const states = { now: stateOf('cluster-a', 'id-1') }
    const directory = createDirectory(fakeCluster(states), ['orders'], createRefusals('kafka'))
    await directory.refresh(0)
    const [partition] = directory.partitions()
    expect(() => directory.check(partition!)).not.toThrow()
    states.now = stateOf('cluster-b', 'id-1')
    await directory.refresh(0)
    expect(() => directory.check(partition!)).toThrowError(
      expect.objectContaining({ code: 'SOURCE_REPLACED', message: expect.stringContaining('cluster-b') as string }),
    )
    await expect(directory.bounds(partition!, true)).rejects.toMatchObject({ code: 'SOURCE_REPLACED' })
  })

  it('tells a topic that took the name over from the one it knew (fault 27)', async () => {
    const states = { now: stateOf('c', 'id-1', 0, 2) }
    const directory = createDirectory(fakeCluster(states), ['orders'], createRefusals('kafka'))
    await directory.refresh(0)
    states.now = stateOf('c', 'id-2', 0, 2)
    await directory.refresh(0)
    // A group that assigns the new one means partitions that stay under the old id, and stop.
    const found = directory.find('id-2', 1)!
    expect(found.topicId).toBe('id-1')
    expect(() => directory.check(found)).toThrowError(expect.objectContaining({ code: 'SOURCE_REPLACED' }))
    expect(directory.leader(found)).toBeUndefined()
    expect(directory.partitions()).toEqual([])
  })

  it('waits a little before it calls a topic deleted: a broker that just started may not know it yet', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const states = { now: stateOf('c', 'id-1') }
      const directory = createDirectory(fakeCluster(states), ['orders'], createRefusals('kafka'))
      await directory.refresh(0)
      const [partition] = directory.partitions()
      states.now = stateOf('c', 'id-1', 3)
      await directory.refresh(0)
      expect(() => directory.check(partition!)).toThrowError(expect.objectContaining({ code: 'SOURCE_UNAVAILABLE' }))
      vi.setSystemTime(Date.now() + 5000)
      expect(() => directory.check(partition!)).toThrowError(expect.objectContaining({ code: 'SOURCE_REPLACED' }))
      states.now = stateOf('c', 'id-1')
      await directory.refresh(0)
      expect(() => directory.check(partition!)).not.toThrow()
    } finally {
      vi.useRealTimers()
    }
  })

  it('says which topics it may not read', async () => {
    const states = { now: stateOf('c', 'id-1', 29) }
    const directory = createDirectory(fakeCluster(states), ['orders'], createRefusals('kafka'))
    await expect(directory.refresh(0)).rejects.toMatchObject({ code: 'SOURCE_DENIED' })
  })
})
