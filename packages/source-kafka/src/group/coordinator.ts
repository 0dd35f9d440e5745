import { findCoordinatorV3, findCoordinatorV4, findCoordinatorV6 } from '@platformatic/kafka'
import { offsetCommitV5, offsetCommitV7, offsetCommitV8, offsetCommitV9 } from '@platformatic/kafka'
import type { API } from '@platformatic/kafka'
import type { Cluster } from '../connection/cluster.ts'
import { codes, isDenied } from '../connection/codes.ts'
import type { Link } from '../connection/link.ts'
import { KafkaError } from '../errors.ts'
import type { GroupPosition } from './membership.ts'

type FindApi = API<[keyType: number, keys: string[]], findCoordinatorV6.FindCoordinatorResponse>

const findApis = [findCoordinatorV6, findCoordinatorV4, findCoordinatorV3].map(
  ({ api }) => api,
) as unknown as readonly FindApi[]

interface CommitTopic {
  name: string
  partitions: {
    partitionIndex: number
    committedOffset: bigint
    committedLeaderEpoch: number
    committedMetadata: string | null
  }[]
}

type CommitApi = API<
  [group: string, epoch: number, member: string, instance: string | null, topics: CommitTopic[]],
  offsetCommitV9.OffsetCommitResponse
>

const commitApis = [offsetCommitV9, offsetCommitV8, offsetCommitV7, offsetCommitV5].map(
  ({ api }) => api,
) as unknown as readonly CommitApi[]

/** The broker that looks after a group. */
export interface Coordinator {
  /** @throws KafkaError KAFKA_UNAVAILABLE, KAFKA_DENIED */
  link(): Promise<Link>
  /** The coordinator may have moved: ask again next time. */
  forget(): void
  /** Commits as a member, or as nobody in particular (`epoch` -1, `member` empty). @throws KafkaError */
  commit(epoch: number, member: string, instance: string | null, positions: readonly GroupPosition[]): Promise<void>
}

export function createCoordinator(cluster: Cluster, groupId: string): Coordinator {
  let known: Promise<Link> | undefined

  async function find(): Promise<Link> {
    const reply = await (await cluster.anyLink()).call(findApis, 0, [groupId])
    const found = reply.coordinators[0]
    const code = found?.errorCode ?? codes.COORDINATOR_NOT_AVAILABLE
    if (found === undefined || code !== codes.NONE) throw groupError(groupId, 'find its coordinator', code)
    return cluster.linkTo({ host: found.host, port: found.port }, 'group')
  }

  async function link(): Promise<Link> {
    const asked = (known ??= find())
    try {
      const found = await asked
      if (!found.broken) return found
    } catch (error) {
      if (known === asked) known = undefined
      throw error
    }
    if (known === asked) known = undefined
    return link()
  }

  return {
    link,
    forget() {
      known = undefined
    },
    async commit(epoch, member, instance, positions) {
      const topics = new Map<string, CommitTopic>()
      for (const { topic, partition, next } of positions) {
        let entry = topics.get(topic)
        if (entry === undefined) topics.set(topic, (entry = { name: topic, partitions: [] }))
        entry.partitions.push({
          partitionIndex: partition,
          committedOffset: BigInt(next),
          committedLeaderEpoch: -1,
          committedMetadata: null,
        })
      }
      const reply = await (await link()).call(commitApis, groupId, epoch, member, instance, [...topics.values()])
      for (const topic of reply.topics) {
        for (const { errorCode } of topic.partitions) {
          if (errorCode === codes.NONE) continue
          if (isMoved(errorCode)) known = undefined
          throw groupError(groupId, `commit offsets of ${topic.name}`, errorCode)
        }
      }
    },
  }
}

export function isMoved(code: number): boolean {
  return code === codes.COORDINATOR_NOT_AVAILABLE || code === codes.NOT_COORDINATOR || code === 14
}

export function groupError(groupId: string, what: string, code: number): KafkaError {
  const kind = isDenied(code)
    ? 'KAFKA_DENIED'
    : code === codes.UNSUPPORTED_VERSION
      ? 'KAFKA_UNSUPPORTED'
      : 'KAFKA_UNAVAILABLE'
  return new KafkaError(kind, `group ${groupId} cannot ${what}: protocol error ${code}`)
}
