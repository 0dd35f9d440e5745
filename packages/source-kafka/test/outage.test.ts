import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '@sluice/ingest-core'
import type { Source } from '@sluice/ingest-core'
import { ownServices, restartService, signalService } from '@sluice-tools/services'
import type { TestServices } from '@sluice-tools/services'
import { createKafkaProducer, createKafkaSource } from '../src/index.ts'
import type { KafkaSourceOptions } from '../src/index.ts'
import { createKafkaJsSource } from '../src/kafkajs/index.ts'
import { batchOf, eventually, openCluster } from './admin.ts'
import { followAll } from './following.ts'
import { assigned, never } from './reading.ts'

// A broker of its own: it is killed and hung here.
let services: TestServices
let brokers: string[]

beforeAll(async () => {
  services = await ownServices(['kafka'])
  brokers = services.env.KAFKA_BROKERS!.split(',')
}, 300_000)

afterAll(() => services.release())

const drivers: Record<string, (options: KafkaSourceOptions) => Promise<Source>> = {
  kafka: createKafkaSource,
  kafkajs: (options) => createKafkaJsSource({ ...options, groupId: options.groupId! }),
}

for (const [driver, make] of Object.entries(drivers)) {
  describe(`outages, driver ${driver}`, () => {
    async function through(name: string, outage: () => Promise<void>): Promise<void> {
      const topic = `outage.${driver}.${name}`
      const cluster = openCluster(brokers)
      await cluster.createTopic(topic, 1)
      await cluster.close()
      const producer = createKafkaProducer({ brokers, requestTimeoutMs: 2000 })
      const source = await make({
        brokers,
        topics: [topic],
        groupId: `g-${topic}`,
        waitMs: 50,
        patienceMs: 500,
        requestTimeoutMs: 2000,
      })
      const following = followAll(source)
      const sent: string[] = []
      let stop = false
      // The producer goes on through the outage: nothing is written twice although replies are lost.
      const producing = (async () => {
        for (let i = 0; !stop; i++) {
          await producer.produceBatches(topic, 0, [batchOf([`v${i}`])])
          sent.push(`v${i}`)
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      })()
      const until = async (count: number): Promise<void> => {
        for (const end = Date.now() + 60_000; following.read.length < count;) {
          expect(
            Date.now(),
            `${following.read.length} of ${count} read; ${[...new Set(following.errors)].join(' ')}`,
          ).toBeLessThan(end)
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
      await until(20)
      await outage()
      await until(following.read.length + 50)
      stop = true
      await producing
      await until(sent.length)
      expect(following.read).toEqual(sent)
      expect(new Set(following.errors)).toEqual(
        new Set(following.errors.filter((code) => /^(SOURCE_UNAVAILABLE|PARTITION_NOT_ASSIGNED)$/.test(code))),
      )
      await following.end()
      await producer.close()
      await source.close()
    }

    it('says in a poll that the broker hangs, and reads on when it goes on (fault 14)', async () => {
      const topic = `outage.${driver}.told`
      const cluster = openCluster(brokers)
      await cluster.createTopic(topic, 1)
      const source = await make({
        brokers,
        topics: [topic],
        groupId: `g-${topic}`,
        waitMs: 50,
        patienceMs: 500,
        requestTimeoutMs: 2000,
      })
      const following = followAll(source)
      const unavailable = () => following.polled.filter((code) => code === 'SOURCE_UNAVAILABLE').length
      await cluster.append(topic, 0, ['before'])
      await eventually(async () => expect(following.read).toEqual(['before']))
      expect(unavailable()).toBe(0)
      await signalService('kafka', 'SIGSTOP', services.options)
      try {
        await eventually(async () => expect(unavailable()).toBeGreaterThan(0))
      } finally {
        await signalService('kafka', 'SIGCONT', services.options)
      }
      await cluster.append(topic, 0, ['after'])
      await eventually(async () => expect(following.read).toEqual(['before', 'after']), 60_000)
      // And it is over: no more of it is said.
      await eventually(async () => {
        const { length } = following.polled
        await new Promise((resolve) => setTimeout(resolve, 1000))
        expect(following.polled.length).toBe(length)
      })
      await following.end()
      await source.close()
      await cluster.close()
    }, 150_000)

    it('goes on after the broker was killed and came back (fault 13)', async () => {
      await through('killed', () => restartService('kafka', { ...services.options, signal: 'SIGKILL' }))
    }, 200_000)

    it('goes on after the broker hung (fault 14)', async () => {
      await through('hung', async () => {
        await signalService('kafka', 'SIGSTOP', services.options)
        await new Promise((resolve) => setTimeout(resolve, 5000))
        await signalService('kafka', 'SIGCONT', services.options)
      })
    }, 200_000)
  })
}

describe('closing a kafkajs source', () => {
  it('while kafkajs tries to come back leaves nothing behind', async () => {
    const topic = 'outage.closing'
    const cluster = openCluster(brokers)
    await cluster.createTopic(topic, 1)
    await cluster.close()
    const program = fileURLToPath(new URL('./closing-kafkajs.ts', import.meta.url))
    const child = spawn(process.execPath, ['--conditions=sluice-source', program, brokers[0]!, topic], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const said: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => said.push(line))
    try {
      await eventually(async () => expect(said).toContain('reading'))
      await signalService('kafka', 'SIGSTOP', services.options)
      try {
        await eventually(async () => expect(said).toContain('silent'), 60_000)
        child.stdin.write('close\n')
        await eventually(async () => expect(said).toContain('closed'))
      } finally {
        await signalService('kafka', 'SIGCONT', services.options)
      }
      // A consumer that is still there would keep the process alive, and partitions from others.

      expect(await Promise.race([ended, waitFor(30_000, never)])).toBe(0)
    } finally {
      child.kill('SIGKILL')
    }
  }, 180_000)
})

describe('no broker', () => {
  it('is said when a source is made', async () => {
    const options = { brokers: ['127.0.0.1:1'], topics: ['t'], connectTimeoutMs: 1000 }
    await expect(createKafkaSource(options)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  })

  it('is said by a poll while it lasts, and by the producer after its delivery time', async () => {
    const topic = 'outage.said'
    const cluster = openCluster(brokers)
    await cluster.createTopic(topic, 1)
    await cluster.append(topic, 0, ['one'])
    const source = await createKafkaSource({
      brokers,
      topics: [topic],
      waitMs: 20,
      patienceMs: 200,
      requestTimeoutMs: 1000,
    })
    const [id] = await assigned(source, 1)
    await source.seek(id!, 0)
    const producer = createKafkaProducer({ brokers, requestTimeoutMs: 1000, deliveryTimeoutMs: 3000 })
    await producer.produceBatches(topic, 0, [batchOf(['two'])])
    await signalService('kafka', 'SIGSTOP', services.options)
    try {
      await expect(producer.produceBatches(topic, 0, [batchOf(['three'])])).rejects.toMatchObject({
        code: 'KAFKA_PRODUCE_UNKNOWN',
      })
      // What went wrong stays wrong for this partition: a gap in the sequence is never papered over.
      await expect(producer.produceBatches(topic, 0, [batchOf(['four'])])).rejects.toMatchObject({
        code: 'KAFKA_PRODUCER_BROKEN',
      })
      let code = ''
      while (code === '') {
        await source.poll(1000, never).catch((error: unknown) => {
          code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
        })
      }
      expect(code).toBe('SOURCE_UNAVAILABLE')
    } finally {
      await signalService('kafka', 'SIGCONT', services.options)
    }
    await source.close()
    await producer.close()
    await cluster.close()
  }, 60_000)
})
