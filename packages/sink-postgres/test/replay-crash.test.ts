import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { createPostgresDeadLetters, createPostgresSink } from '../src/index.ts'
import { mendPrice, openDecoder, priced, pricedFetch, pricedPartition } from './priced.ts'
import { fromZero, never } from './rows.ts'
import { connect, freshSchema, serverUrl, sql } from './server.ts'

const pool = connect()
const { decoder, close } = openDecoder()
afterAll(async () => {
  await pool.close()
  await close()
})

const child = fileURLToPath(new URL('./replay-child.ts', import.meta.url))
const records = 40
/** Two of three are too dear. */
const dear = Array.from({ length: records }, (_, i) => i).filter((i) => i % 3 !== 0)
const mended = dear.filter((i) => i % 7 !== 0)

const offsets = async (text: string): Promise<number[]> =>
  (await sql<{ at: string }>(text)).map(({ at }) => Number(at)).sort((a, b) => a - b)

describe('kill -9 in the middle of a replay', () => {
  it.each([
    ['append', 'after_begin'],
    ['append', 'after_lock'],
    ['append', 'after_staging'],
    ['append', 'after_copy'],
    ['append', 'after_merge'],
    ['append', 'after_dead_letters'],
    ['append', 'before_commit'],
    ['append', 'after_commit'],
    ['upsert', 'after_merge'],
    ['upsert', 'after_commit'],
  ] as const)('%s, %s: the next replay lands the rest, nothing lost or doubled', async (mode, point) => {
    const schema = await freshSchema('replay')
    const options = {
      connection: pool,
      sinkId: 'letters',
      owner: 'tests',
      schema,
      tables: [{ contract: priced, mode }],
    }
    const sink = createPostgresSink(options)
    await sink.open(pricedPartition, fromZero, never)
    const fetched = pricedFetch(Array.from({ length: records }, (_, i) => (dear.includes(i) ? 5000 : i)))
    for (const batch of await decoder.decode(fetched, 0)) {
      await sink.write({ ...batch, partition: pricedPartition, origin: fetched }, never)
    }
    await sink.commit({ partition: pricedPartition, reason: 'time' }, never)
    await sink.close()

    const process_ = fork(child, [serverUrl, schema, mode, point])
    const [, signal] = (await once(process_, 'exit')) as [number | null, NodeJS.Signals | null]
    expect(signal).toBe('SIGKILL')
    // Whole transactions: what is decided is what is there, one group or two of five letters.
    const landed = await offsets(`SELECT "offset" AS at FROM ${schema}.ingest_dead_letter WHERE state = 'landed'`)
    expect(landed).toEqual(mended.filter((i) => i <= dear[point === 'after_commit' ? 9 : 4]!))
    const stored = (): Promise<number[]> => offsets(`SELECT _offset AS at FROM ${schema}.things`)
    const cheap = Array.from({ length: records }, (_, i) => i).filter((i) => !dear.includes(i))
    expect(await stored()).toEqual([...cheap, ...landed].sort((a, b) => a - b))

    const letters = createPostgresDeadLetters({ ...options, decoder })
    expect((await letters.replay({ fix: mendPrice })).landed).toBe(mended.length - landed.length)
    expect((await letters.replay({ fix: mendPrice })).landed).toBe(0)
    expect(await stored()).toEqual([...cheap, ...mended].sort((a, b) => a - b))
    expect(
      await sql(`SELECT DISTINCT price FROM ${schema}.things WHERE _offset = ANY('{${mended.join(',')}}')`),
    ).toEqual([{ price: 1 }])
    expect(await letters.audit()).toMatchObject({
      conserved: true,
      topics: {
        [priced.topic]: {
          consumed: records,
          stored: cheap.length,
          deadLettered: dear.length,
          landed: mended.length,
          open: dear.length - mended.length,
        },
      },
    })
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})
