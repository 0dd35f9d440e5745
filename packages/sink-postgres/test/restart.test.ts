import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownServices, restartService } from '@sluice-tools/services'
import { createPgConnector, createPostgresSink } from '../src/index.ts'
import type { PostgresHookPoint, SqlConnector } from '../src/index.ts'
import { auditAppend } from './audit.ts'
import { fromZero, never } from './rows.ts'
import { sql } from './server.ts'
import { partition, producedUpTo, runThings, things, thingsBatch } from './things.ts'

/** A server of its own, which is stopped and set back. */
let services: Awaited<ReturnType<typeof ownServices>>
let url: string
let connection: SqlConnector

beforeAll(async () => {
  services = await ownServices(['postgres'])
  url = services.env['POSTGRES_URL']!
  connection = createPgConnector({ connectionString: url, connectTimeoutMs: 2000 })
})

afterAll(async () => {
  await connection.close()
  await services.release()
})

describe('a server that goes away', () => {
  it.each([
    ['after_copy', false],
    ['after_load', true],
    ['after_merge', true],
    ['before_commit', false],
  ] as const)(
    'restart -m immediate at %s: retried with a new connection (fault 58)',
    async (point: PostgresHookPoint, direct) => {
      const schema = `restart_${point}`
      let restarts = 0
      const sink = createPostgresSink({
        connection,
        sinkId: 'restart',
        owner: 'tests',
        schema,
        tables: [{ contract: things, mode: 'append', schema, direct }],
        retry: { firstMs: 50, maxMs: 500, deadlineMs: 60_000 },
        hooks: {
          async at(reached) {
            if (reached !== point || restarts > 0) return
            restarts += 1
            await restartService('postgres', { ...services.options, signal: 'SIGQUIT' })
          },
        },
      })
      await runThings(sink, 2_000, 1_000)
      await sink.close()
      expect(restarts).toBe(1)
      await auditAppend(schema, producedUpTo(2_000), url)
    },
  )

  it('a failover that loses commits: progress goes back with the data, and reading goes on there (fault 64)', async () => {
    const schema = 'failover'
    const sink = createPostgresSink({
      connection,
      sinkId: 'failover',
      owner: 'tests',
      schema,
      tables: [{ contract: things, mode: 'append', schema }],
      retry: { firstMs: 5, maxMs: 20, deadlineMs: 500 },
    })
    await sink.open(partition, fromZero, never)
    const land = async (start: number, end: number): Promise<unknown> => {
      await sink.write(thingsBatch(start, end), never)
      return sink.commit({ partition, reason: 'time' }, never)
    }
    await land(0, 100)
    const { stdout: dump } = await promisify(execFile)(
      '/bin/sh',
      ['-c', `"$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)"/pg_dump --schema=${schema} '${url}'`],
      { maxBuffer: 2 ** 26 },
    )
    await land(100, 200)
    await auditAppend(schema, producedUpTo(200), url)
    // The standby that takes over has only what the dump holds.
    await sql(`DROP SCHEMA ${schema} CASCADE`, [], url)
    await restore(dump)
    await expect(land(200, 300)).rejects.toMatchObject({ code: 'PROGRESS_REWOUND' })
    await sink.abandon(partition)
    await runThings(sink, 300, 50)
    await sink.close()
    await auditAppend(schema, producedUpTo(300), url)
  })

  async function restore(dump: string): Promise<void> {
    const child = promisify(execFile)('/bin/sh', [
      '-c',
      `"$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)"/psql -v ON_ERROR_STOP=1 -q '${url}'`,
    ])
    child.child.stdin!.end(dump)
    await child
  }
})
