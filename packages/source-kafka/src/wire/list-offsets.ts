import { listOffsetsV2, listOffsetsV4, listOffsetsV6, listOffsetsV7, listOffsetsV9 } from '@platformatic/kafka'
import type { API } from '@platformatic/kafka'
import type { Link } from '../connection/link.ts'

interface TopicQuery {
  name: string
  partitions: { partitionIndex: number; currentLeaderEpoch: number; timestamp: bigint }[]
}

type ListOffsetsApi = API<[replica: number, isolation: number, topics: TopicQuery[]], listOffsetsV9.ListOffsetsResponse>

const apis = [listOffsetsV9, listOffsetsV7, listOffsetsV6, listOffsetsV4, listOffsetsV2].map(
  ({ api }) => api,
) as unknown as readonly ListOffsetsApi[]

const earliest = -2n
const latest = -1n

export interface OffsetAnswer {
  readonly errorCode: number
  readonly offset: number
}

export interface BoundsAnswer {
  readonly start: OffsetAnswer
  readonly end: OffsetAnswer
}

/** First offset and end of a partition as its leader sees them now; with `readCommitted` the end is the last stable offset. */
export async function listBounds(
  link: Link,
  topic: string,
  partition: number,
  leaderEpoch: number,
  readCommitted: boolean,
): Promise<BoundsAnswer> {
  const ask = async (timestamp: bigint): Promise<OffsetAnswer> => {
    const query = { partitionIndex: partition, currentLeaderEpoch: leaderEpoch, timestamp }
    const reply = await link.call(apis, -1, readCommitted ? 1 : 0, [{ name: topic, partitions: [query] }])
    const answer = reply.topics[0]?.partitions[0]
    return answer === undefined
      ? { errorCode: -1, offset: -1 }
      : { errorCode: answer.errorCode, offset: Number(answer.offset) }
  }
  const [start, end] = await Promise.all([ask(earliest), ask(latest)])
  return { start, end }
}
