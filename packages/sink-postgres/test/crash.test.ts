import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { createPostgresSink, postgresHookPoints } from '../src/index.ts'
import { auditAppend } from './audit.ts'
import { connect, freshSchema, serverUrl, sql } from './server.ts'
import { producedUpTo, runThings, things } from './things.ts'

const pool = connect()
afterAll(() => pool.close())

const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url))
/** Points that a flush does not meet when it goes the other way. */
const onlyIn: Readonly<Record<'load' | 'merge', readonly string[]>> = {
  load: ['after_table_lock', 'after_load'],
  merge: ['after_staging', 'after_copy'],
}
const end = 60
const step = 20

async function dieAt(
  schema: string,
  mode: string,
  point: string,
  time: number,
  direct: boolean,
): Promise<NodeJS.Signals | null> {
  const process_ = fork(child, [
    serverUrl,
    schema,
    mode,
    point,
    String(time),
    String(end),
    String(step),
    String(direct),
  ])
  const [, signal] = (await once(process_, 'exit')) as [number | null, NodeJS.Signals | null]
  return signal
}

describe('kill -9 between every two statements (faults 7, 9, 11)', () => {
  const ways = { load: true, merge: false }
  const points = Object.entries(ways).flatMap(([way, direct]) =>
    postgresHookPoints
      .filter((point) => !onlyIn[direct ? 'merge' : 'load'].includes(point))
      .map((point) => [way, point, direct] as const),
  )

  it.each(points)('%s, %s: the next process lands the rest, exactly once', async (_, point, direct) => {
    const schema = await freshSchema('crash')
    // Acquiring happens once; the others are met in the second flush.
    const time = point.includes('acquire') ? 1 : 2
    expect(await dieAt(schema, 'append', point, time, direct)).toBe('SIGKILL')
    const sink = createPostgresSink({
      connection: pool,
      sinkId: 'crash',
      owner: 'tests',
      schema,
      tables: [{ contract: things, mode: 'append', direct }],
    })
    await runThings(sink, end, 15)
    await sink.close()
    await auditAppend(schema, producedUpTo(end))
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('leaves no transaction open behind it', async () => {
    const schema = await freshSchema('crash')
    expect(await dieAt(schema, 'scd2', 'after_merge', 1, false)).toBe('SIGKILL')
    // The server notices the closed connection by itself.
    await expect
      .poll(() =>
        sql(
          `SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relnamespace = '${schema}'::regnamespace`,
        ),
      )
      .toEqual([])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})
