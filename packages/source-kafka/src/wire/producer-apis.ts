import {
  createTopicsV5,
  createTopicsV7,
  initProducerIdV0,
  initProducerIdV2,
  initProducerIdV4,
} from '@platformatic/kafka'
import type { API } from '@platformatic/kafka'

type InitApi = API<[transactionalId: string | null, timeoutMs: number], initProducerIdV4.InitProducerIdResponse>

/** For a producer id, newest version first. */
export const initApis = [initProducerIdV4, initProducerIdV2, initProducerIdV0].map(
  ({ api }) => api,
) as unknown as readonly InitApi[]

export interface NewTopic {
  name: string
  numPartitions: number
  replicationFactor: number
  assignments: never[]
  configs: { name: string; value: string }[]
}

type CreateApi = API<
  [topics: NewTopic[], timeoutMs: number, validateOnly: boolean],
  createTopicsV7.CreateTopicsResponse
>

/** For making topics, newest version first. */
export const createApis = [createTopicsV7, createTopicsV5].map(({ api }) => api) as unknown as readonly CreateApi[]
