import kafkajs from 'kafkajs'
import { expect, it } from 'vitest'
import { createJsConsumer } from '../src/kafkajs/consumer.ts'

it('a kafkajs consumer that joins after it was told to leave fails, so that nobody of this process stays in the group', async () => {
  const kafka = new kafkajs.Kafka({ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING })
  const made = kafka.consumer({ groupId: 'g' })
  const joins: ((event: never) => void)[] = []
  const assigned: unknown[] = []
  // As kafkajs does it: what a listener throws fails the join that it is told of.
  const consumer = {
    ...made,
    on: (name: string, listener: (event: never) => void) => {
      if (name === made.events.GROUP_JOIN) joins.push(listener)
      return () => undefined
    },
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async () => undefined,
    pause: () => undefined,
    disconnect: async () => undefined,
  }
  kafka.consumer = () => consumer
  const member = createJsConsumer({
    kafka,
    groupId: 'g',
    topics: ['t'],
    readCommitted: true,
    waitMs: 10,
    maxBytesPerPartition: 1000,
    sessionTimeoutMs: 1000,
    rebalanceTimeoutMs: 1000,
    batch: async () => undefined,
    passedOver: () => undefined,
    crashed: () => undefined,
  })
  member.start({
    assigned: (partitions) => void assigned.push(partitions),
    lost: () => undefined,
    trouble: () => undefined,
  })
  await expect.poll(() => joins).toHaveLength(1)
  const event = { payload: { memberId: 'm', memberAssignment: { t: [0] } } } as never
  joins[0]!(event)
  expect(assigned).toEqual([[{ topic: 't', partition: 0 }]])
  await member.leave()
  expect(() => joins[0]!(event)).toThrow(expect.objectContaining({ code: 'KAFKA_CLOSED' }))
  expect(assigned).toHaveLength(1)
})
