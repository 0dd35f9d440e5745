import { metadataV12, metadataV8 } from '@platformatic/kafka'
import type { API } from '@platformatic/kafka'
import { KafkaError } from '../errors.ts'
import { openLink } from './link.ts'
import type { Link } from './link.ts'
import { parseBrokers } from './options.ts'
import type { BrokerAddress, KafkaConnectionOptions } from './options.ts'

export interface ClusterPartition {
  /** Node id, or -1 while there is none. */
  readonly leader: number
  readonly leaderEpoch: number
}

export interface ClusterTopic {
  readonly name: string
  /** The topic id, or the name where the broker knows no ids (before Kafka 2.8). */
  readonly id: string
  /** Protocol code: 0, or why the topic cannot be used. */
  readonly errorCode: number
  /** Index = partition. */
  readonly partitions: readonly ClusterPartition[]
}

export interface ClusterState {
  readonly clusterId: string
  readonly topics: ReadonlyMap<string, ClusterTopic>
  /** False where topics have no ids: a recreated topic then looks the same. */
  readonly hasTopicIds: boolean
}

/**
 * A broker answers the requests of one connection in turn, and a fetch may wait: what must not wait behind it has a
 * connection of its own.
 */
export type LinkPurpose = 'control' | 'fetch' | 'tail' | 'group' | 'produce'

/** What is known of a Kafka cluster, and connections to its brokers. Connections are shared and opened when needed. */
export interface Cluster {
  /**
   * State of topics, at most `maxAgeMs` old. Callers at the same time share one request.
   * @throws KafkaError KAFKA_UNAVAILABLE and what `openLink` throws
   */
  state(topics: readonly string[], maxAgeMs: number): Promise<ClusterState>
  /** @throws KafkaError KAFKA_UNAVAILABLE when the node is not known or does not answer */
  link(node: number, purpose?: LinkPurpose): Promise<Link>
  /** Any broker that answers. */
  anyLink(): Promise<Link>
  /** A broker that may not be in the metadata yet, such as a coordinator. */
  linkTo(address: BrokerAddress, purpose: LinkPurpose): Promise<Link>
  /** Safe to call twice. */
  close(): Promise<void>
}

type MetadataResponse = metadataV12.MetadataResponse

type MetadataApi = API<[topics: string[], create: boolean, operations: boolean], MetadataResponse>

const metadataApis = [metadataV12.api, metadataV8.api] as unknown as readonly MetadataApi[]
/** First version that carries topic ids. */
const idsFrom = 10

export function createCluster(options: KafkaConnectionOptions): Cluster {
  const bootstrap = parseBrokers(options.brokers)
  const nodes = new Map<number, BrokerAddress>()
  const links = new Map<string, Promise<Link>>()
  const states = new Map<string, { readonly at: number; readonly state: Promise<ClusterState> }>()
  let closed = false
  let turn = 0

  const keyOf = ({ host, port }: BrokerAddress): string => `${host}:${port}`

  function assertOpen(): void {
    if (closed) throw new KafkaError('KAFKA_CLOSED', 'the connection to Kafka is closed')
  }

  async function linkTo(address: BrokerAddress, purpose: LinkPurpose): Promise<Link> {
    assertOpen()
    const key = `${purpose} ${keyOf(address)}`
    const known = links.get(key)
    if (known !== undefined) {
      const link = await known
      if (!link.broken) return link
      if (links.get(key) === known) links.delete(key)
      return linkTo(address, purpose)
    }
    const opening = openLink(address, options)
    links.set(key, opening)
    try {
      const link = await opening
      if (!closed) return link
      await link.close()
      throw new KafkaError('KAFKA_CLOSED', 'the connection to Kafka is closed')
    } catch (error) {
      if (links.get(key) === opening) links.delete(key)
      throw error
    }
  }

  async function anyLink(): Promise<Link> {
    assertOpen()
    const addresses = new Map([...nodes.values(), ...bootstrap].map((address) => [keyOf(address), address]))
    const list = [...addresses.values()]
    let first: unknown
    for (let i = 0; i < list.length; i++) {
      try {
        return await linkTo(list[(i + turn) % list.length]!, 'control')
      } catch (error) {
        // What tells most is a refusal; "cannot be reached" is said when nothing else is.
        if (first === undefined || isUnavailable(first)) first = error
      }
    }
    turn += 1
    throw first
  }

  async function ask(topics: readonly string[]): Promise<ClusterState> {
    const link = await anyLink()
    const reply = await link.call(metadataApis, [...topics], false, false)
    if (reply.brokers.length > 0) {
      nodes.clear()
      for (const { nodeId, host, port } of reply.brokers) nodes.set(nodeId, { host, port })
    }
    const hasTopicIds = (link.newest(metadataApis)?.version ?? 0) >= idsFrom
    return {
      clusterId: reply.clusterId ?? '',
      hasTopicIds,
      topics: new Map(reply.topics.map((topic) => [topic.name ?? '', topicOf(topic, hasTopicIds)])),
    }
  }

  return {
    async state(topics, maxAgeMs) {
      const key = topics.toSorted().join('\n')
      const known = states.get(key)
      if (known !== undefined && Date.now() - known.at <= maxAgeMs) return known.state
      const state = ask(topics)
      const entry = { at: Date.now(), state }
      states.set(key, entry)
      try {
        return await state
      } catch (error) {
        if (states.get(key) === entry) states.delete(key)
        throw error
      }
    },
    async link(node, purpose = 'control') {
      const address = nodes.get(node)
      if (address === undefined) {
        throw new KafkaError('KAFKA_UNAVAILABLE', `broker ${node} is not in the metadata of the cluster`)
      }
      return linkTo(address, purpose)
    },
    anyLink,
    linkTo,
    async close() {
      closed = true
      const open = await Promise.allSettled(links.values())
      links.clear()
      await Promise.allSettled(open.flatMap((each) => (each.status === 'fulfilled' ? [each.value.close()] : [])))
    },
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof KafkaError && error.code === 'KAFKA_UNAVAILABLE'
}

function topicOf(topic: MetadataResponse['topics'][number], hasTopicIds: boolean): ClusterTopic {
  const partitions: ClusterPartition[] = []
  for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) {
    partitions[partitionIndex] = { leader: leaderId, leaderEpoch }
  }
  const name = topic.name ?? ''
  return { name, id: hasTopicIds ? topic.topicId : name, errorCode: topic.errorCode, partitions }
}
