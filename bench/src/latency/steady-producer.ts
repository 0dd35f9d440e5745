import { setTimeout as wait } from 'node:timers/promises'
import { createRowCodec, frame } from '@sluice/schemas'
import type { Contract } from '@sluice/schemas'
import type { KafkaProducer } from '@sluice/source-kafka'
import { partitions } from '../log-to-parquet/event-log.ts'

/** Event times of what was acknowledged, ms: `times[partition][offset]`. */
export type EventTimes = readonly number[][]

const types = ['PAGE_VIEW', 'ADD_TO_CART', 'REMOVE_FROM_CART', 'PURCHASE', 'SEARCH']
const everyMs = 20

/**
 * Sends `perSecond` events a second for `seconds`, each with the time at which it was made, in small batches every 20 ms, and waits
 * for all acknowledgements.
 */
export async function sendSteadily(
  producer: KafkaProducer,
  contract: Contract,
  schemaId: number,
  perSecond: number,
  seconds: number,
): Promise<EventTimes> {
  const codec = createRowCodec(contract.schema)
  const times: number[][] = Array.from({ length: partitions }, () => [])
  const total = Math.round(perSecond * seconds)
  const sending: Promise<void>[] = []
  const began = performance.now()
  let sent = 0

  const eventAt = (i: number) => {
    const now = Date.now()
    const event = {
      event_id: `event-${String(i).padStart(12, '0')}`,
      user_id: `user_${String(i % 100).padStart(4, '0')}`,
      event_type: types[i % 5]!,
      timestamp: now,
      session_id: `session-${String(i % 97).padStart(8, '0')}`,
      product_id: i % 5 === 4 ? null : `PROD-${String(i % 10).padStart(3, '0')}`,
      product_name: i % 5 === 4 ? null : 'Mechanical Keyboard',
      price: i % 5 === 4 ? null : 349.5,
      category: i % 5 === 4 ? null : 'Electronics',
      device_type: 'MOBILE',
      country: 'DE',
    }
    const value =
      contract.format === 'json'
        ? Buffer.from(JSON.stringify(event))
        : frame(schemaId, codec.encode({ ...event, timestamp: BigInt(now) }))
    return { partition: i % partitions, key: Buffer.from(event.user_id), value, timestamp: now }
  }

  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond))
    const records = Array.from({ length: due - sent }, (_, at) => eventAt(sent + at))
    sent = due
    if (records.length > 0) {
      const sendAll = async (): Promise<void> => {
        for (const { partition, baseOffset, end } of await producer.send(contract.topic, records)) {
          const mine = records.filter((record) => record.partition === partition)
          if (end - baseOffset !== mine.length) throw new Error(`partition ${partition}: acknowledged another count`)
          mine.forEach(({ timestamp }, at) => (times[partition]![baseOffset + at] = timestamp))
        }
      }
      sending.push(sendAll())
    }
    await wait(everyMs)
  }
  await Promise.all(sending)
  return times
}
