import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createKafkaProducer, createKafkaSource, KafkaError, kafkaErrors } from '../src/index.ts'
import type { KafkaErrorCode, KafkaSourceOptions } from '../src/index.ts'
import { createKafkaJsSource } from '../src/kafkajs/index.ts'

describe('error table', () => {
  it('is what the README says, row by row', async () => {
    const text = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const rows = [...text.matchAll(/^\| `((?:KAFKA|RELAY)_[A-Z_]+)` +\| (\S+) +\| (\S+) +\|/gm)]
    expect(Object.fromEntries(rows.map(([, code, outcome, retry]) => [code, { outcome, retry }]))).toEqual(kafkaErrors)
  })

  it('gives each instance its code and cause', () => {
    const cause = new Error('below')
    for (const code of Object.keys(kafkaErrors) as KafkaErrorCode[]) {
      expect(new KafkaError(code, 'text', { cause })).toMatchObject({
        code,
        name: 'KafkaError',
        message: 'text',
        cause,
      })
    }
  })
})

describe('options', () => {
  const invalid = { code: 'KAFKA_OPTIONS_INVALID' }
  const good: KafkaSourceOptions = { brokers: ['127.0.0.1:9092'], topics: ['t'] }

  it.each<[string, Partial<KafkaSourceOptions>]>([
    ['no broker', { brokers: [] }],
    ['a broker without a port', { brokers: ['localhost'] }],
    ['a broker with a path', { brokers: ['localhost:9092/x'] }],
    ['a port out of range', { brokers: ['localhost:70000'] }],
    ['no topic', { topics: [] }],
    ['a topic twice', { topics: ['t', 't'] }],
    ['an empty group', { groupId: '' }],
    ['a group assignment without a group', { assignment: { kind: 'group' } }],
    ['partitions of a topic that is not read', { assignment: { kind: 'static', partitions: { other: [0] } } }],
    ['a wait of 0', { waitMs: 0 }],
    ['a wait that is no number', { refreshMs: Number.NaN }],
  ])('are refused: %s', async (_name, extra) => {
    await expect(createKafkaSource({ ...good, ...extra })).rejects.toMatchObject(invalid)
  })

  it('are refused: half a client certificate, an empty user', async () => {
    await expect(createKafkaSource({ ...good, tls: { cert: 'x' } })).rejects.toMatchObject(invalid)
    const sasl = { mechanism: 'PLAIN', username: '', password: 'x' } as const
    await expect(createKafkaSource({ ...good, sasl })).rejects.toMatchObject(invalid)
  })

  it('are refused: static assignment and half a session with kafkajs, sizes of a producer', async () => {
    const options = { ...good, groupId: 'g', assignment: { kind: 'static' } } as const
    await expect(createKafkaJsSource(options)).rejects.toMatchObject(invalid)
    for (const sessionTimeoutMs of [0, -1, 1.5, Number.NaN]) {
      await expect(createKafkaJsSource({ ...good, groupId: 'g', sessionTimeoutMs })).rejects.toMatchObject(invalid)
    }
    expect(() => createKafkaProducer({ ...good, maxBatchBytes: 0 })).toThrowError(expect.objectContaining(invalid))
  })

  it('take IPv6 brokers', async () => {
    const options = { ...good, brokers: ['[::1]:1'], connectTimeoutMs: 500 }
    await expect(createKafkaSource(options)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  })

  it('never show up in an error with their secrets', async () => {
    const sasl = { mechanism: 'PLAIN', username: 'u', password: 's3cret-marker' } as const
    const error = await createKafkaSource({ ...good, brokers: ['127.0.0.1:1'], sasl }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(Error)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cret-marker')
  })
})
