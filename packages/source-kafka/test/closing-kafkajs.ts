import { createKafkaJsSource } from '../src/kafkajs/index.ts'

/**
 * A program that reads by kafkajs: says `reading`, then `silent` when the group has not answered for so long that kafkajs has
 * given a consumer up and begins another, and closes its source when it gets a line. It ends by itself when nothing of the
 * source is left.
 */
const [broker, topic] = process.argv.slice(2) as [string, string]
const source = await createKafkaJsSource({
  brokers: [broker],
  topics: [topic],
  groupId: `g-${topic}`,
  waitMs: 50,
  patienceMs: 15_000,
  connectTimeoutMs: 1000,
  requestTimeoutMs: 1000,
})
const closing = new AbortController()
process.stdin.once('data', () => {
  closing.abort()
  process.stdin.destroy()
})
for await (const { assigned } of source.assignments(closing.signal)) {
  if (assigned.length > 0) break
}
console.log('reading')
while (!closing.signal.aborted) {
  try {
    await source.poll(1000, closing.signal)
  } catch {
    console.log('silent')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
await source.close()
console.log('closed')
