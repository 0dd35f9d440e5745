import { consumerGroupHeartbeatV0, consumerGroupHeartbeatV1 } from '@platformatic/kafka'
import type { API } from '@platformatic/kafka'
import { randomUUID } from 'node:crypto'
import { waitFor } from '@sluice/ingest-core'
import { codes } from '../connection/codes.ts'
import { within } from '../connection/within.ts'
import { createCoordinator, groupError, isMoved } from './coordinator.ts'
import type { GroupPartition, Membership, MembershipEvents, MembershipOptions } from './membership.ts'

type TopicPartitions = { topicId: string; partitions: number[] }

type HeartbeatReply = consumerGroupHeartbeatV1.ConsumerGroupHeartbeatResponse

type HeartbeatApi = API<
  [
    group: string,
    member: string,
    epoch: number,
    instance: string | null,
    rack: string | null,
    rebalanceTimeoutMs: number,
    topics: string[] | null,
    regex: string | null,
    assignor: string | null,
    owned: TopicPartitions[] | null,
  ],
  HeartbeatReply
>

export const consumerGroupApis = [
  consumerGroupHeartbeatV1.api,
  consumerGroupHeartbeatV0.api,
] as unknown as readonly HeartbeatApi[]

const earlyBeats = 20
const earlyMs = 150

/** Leaves for good; a static member says that it will be back. */
const leaveEpoch = -1
const leaveStaticEpoch = -2

/**
 * The group protocol of Kafka 4 (KIP-848): the broker assigns, partition by partition, and hands one over only after its
 * owner gave it up, so no two members ever hold the same one. One heartbeat carries everything: what is wanted, what is
 * owned, and the answer what to own. A member that is fenced drops all and joins again.
 */
export function createConsumerGroup(options: MembershipOptions): Membership {
  const { cluster, groupId, topics, instanceId = null, rebalanceTimeoutMs } = options
  const memberId = randomUUID()
  const coordinator = createCoordinator(cluster, groupId)
  const leaving = new AbortController()
  let epoch = 0
  let owned: TopicPartitions[] = []
  /** The broker has not heard yet what we own now. */
  let unsaid = true
  /** Heartbeats that may come early while there is no assignment. */
  let early = earlyBeats
  let running: Promise<void> = Promise.resolve()
  let left: Promise<void> | undefined

  async function heartbeat(): Promise<HeartbeatReply> {
    const joining = epoch === 0
    const link = await coordinator.link()
    return link.call(
      consumerGroupApis,
      groupId,
      memberId,
      epoch,
      instanceId,
      null,
      joining ? rebalanceTimeoutMs : -1,
      joining ? [...topics] : null,
      null,
      null,
      joining || unsaid ? owned : null,
    )
  }

  /** One heartbeat and what it means; answers how long to wait for the next, ms. */
  async function beat(events: MembershipEvents): Promise<number> {
    const reply = await heartbeat()
    const { errorCode } = reply
    if (errorCode === codes.FENCED_MEMBER_EPOCH || errorCode === codes.UNKNOWN_MEMBER_ID) {
      epoch = 0
      owned = []
      unsaid = true
      events.lost()
      return 0
    }
    if (isMoved(errorCode)) coordinator.forget()
    if (errorCode !== codes.NONE) throw groupError(groupId, 'stay together', errorCode)
    epoch = reply.memberEpoch
    unsaid = false
    events.trouble(null)
    const empty = reply.assignment === null || reply.assignment.topicPartitions.length === 0
    // The broker may need a moment for the first assignment: ask sooner than it says, a few times.
    if (empty && early > 0) {
      early -= 1
      return earlyMs
    }
    if (reply.assignment === null) return reply.heartbeatIntervalMs
    early = 0
    owned = reply.assignment.topicPartitions.map(({ topicId, partitions }) => ({
      topicId,
      partitions: [...partitions],
    }))
    // What was given up is said at once, so that others need not wait for it.
    unsaid = true
    events.assigned(flat(owned))
    return 0
  }

  async function loop(events: MembershipEvents): Promise<void> {
    let failures = 0
    while (!leaving.signal.aborted) {
      let wait: number
      try {
        wait = await beat(events)
        failures = 0
      } catch (error) {
        if (leaving.signal.aborted) return
        coordinator.forget()
        unsaid = true
        failures += 1
        wait = Math.min(5000, 100 * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2)
        events.trouble(error instanceof Error ? error : new Error(String(error)))
      }
      if (wait > 0) await waitFor(wait, leaving.signal)
    }
  }

  return {
    byTopicId: true,
    start(events) {
      running = loop(events)
    },
    async commit(positions) {
      if (epoch < 1) throw groupError(groupId, 'commit offsets while it is no member', codes.UNKNOWN_MEMBER_ID)
      await coordinator.commit(epoch, memberId, instanceId, positions)
    },
    leave() {
      left ??= (async () => {
        leaving.abort()
        await within(running, 3000)
        if (epoch < 1) return
        const link = await coordinator.link()
        const goodbye = instanceId === null ? leaveEpoch : leaveStaticEpoch
        const said = link.call(
          consumerGroupApis,
          groupId,
          memberId,
          goodbye,
          instanceId,
          null,
          -1,
          null,
          null,
          null,
          null,
        )
        await within(said, 3000)
      })().catch(() => undefined) // The session ends by itself when the goodbye is lost.
      return left
    },
  }
}

function flat(owned: readonly TopicPartitions[]): GroupPartition[] {
  return owned.flatMap(({ topicId, partitions }) => partitions.map((partition) => ({ topic: topicId, partition })))
}
