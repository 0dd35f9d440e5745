import type { Cluster, ClusterState } from '../src/connection/cluster.ts'

/** A cluster of which only the metadata answers, as told. */
export function fakeCluster(states: { now: ClusterState }): Cluster {
  return {
    state: () => Promise.resolve(states.now),
    link: () => Promise.reject(new Error('not used')),
    linkTo: () => Promise.reject(new Error('not used')),
    anyLink: () => Promise.reject(new Error('not used')),
    close: () => Promise.resolve(),
  }
}

/** Metadata with one topic, `orders`. */
export function stateOf(clusterId: string, topicId: string, errorCode = 0, partitions = 1): ClusterState {
  const list = Array.from({ length: partitions }, () => ({ leader: 1, leaderEpoch: 0 }))
  const topic = { name: 'orders', id: topicId, errorCode, partitions: list }
  return { clusterId, hasTopicIds: true, topics: new Map([['orders', topic]]) }
}
