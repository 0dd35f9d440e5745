import { expect, it } from 'vitest'
import { createPartitionTable } from '@sluice/ingest-core'
import type { PartitionId, SourceError } from '@sluice/ingest-core'
import type { ClusterState } from '../src/connection/cluster.ts'
import { createAssigner } from '../src/source/assigner.ts'
import { createDirectory } from '../src/source/directory.ts'
import { resolveSourceOptions } from '../src/source/options.ts'
import { createReading, stopWith } from '../src/source/reading.ts'
import type { Reading } from '../src/source/reading.ts'
import { createRefusals } from '../src/source/refusals.ts'
import { fakeCluster, stateOf } from './fake-cluster.ts'
import { never } from './reading.ts'

/** A source of topic `orders`, as far as who has which partition is concerned. */
function assignerOn(states: { now: ClusterState }) {
  const refusals = createRefusals('kafka')
  const options = resolveSourceOptions({ brokers: ['127.0.0.1:1'], topics: ['orders'], refreshMs: 20 })
  const directory = createDirectory(fakeCluster(states), ['orders'], refusals)
  const table = createPartitionTable<Reading>('kafka', async () => undefined)
  const stopped: [partition: number, code: string][] = []
  const assigner = createAssigner({
    name: 'kafka',
    options,
    directory,
    table,
    make: createReading,
    stop(state, trouble: SourceError) {
      stopWith(state, trouble)
      stopped.push([state.partition.partition, trouble.code])
    },
    membership: undefined,
    refusals,
  })
  return { assigner, table, stopped }
}

it('partitions of a topic that was replaced are stopped, not let go without a word, also while they are paused (fault 27)', async () => {
  const states = { now: stateOf('c', 'id-1', 0, 2) }
  const { assigner, table, stopped } = assignerOn(states)
  const changes = assigner.changes(never)
  const { assigned } = (await changes.next()).value as { assigned: PartitionId[] }
  expect(assigned.map(({ partition }) => partition)).toEqual([0, 1])
  table.pause(assigned[0]!, true)
  states.now = stateOf('c', 'id-2', 0, 2)
  await expect.poll(() => stopped.length).toBe(2)
  expect(stopped.sort()).toEqual([
    [0, 'SOURCE_REPLACED'],
    [1, 'SOURCE_REPLACED'],
  ])
  for (const partition of assigned) expect(table.get(partition).trouble?.code).toBe('SOURCE_REPLACED')
  await table.close()
})
