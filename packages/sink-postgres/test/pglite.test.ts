import { PGlite } from '@electric-sql/pglite'
import { afterAll } from 'vitest'
import { describeSink } from '@sluice/ingest-core/conformance'
import type { SinkContext } from '@sluice/ingest-core/conformance'
import { createPgliteConnector, createPostgresSink } from '../src/index.ts'
import type { WriteMode } from '../src/index.ts'

const database = await PGlite.create()
const connection = createPgliteConnector(database)
afterAll(() => database.close())

function subject(mode: WriteMode) {
  return {
    lateLane: false,
    // Nothing lies between the sink and a database in its own process that could lose a reply.
    writesPerCommit: 0,
    make: ({ storage, contract, settings }: SinkContext) =>
      createPostgresSink({
        connection,
        sinkId: 'conformance',
        owner: 'tests',
        schema: `c_${storage}`,
        tables: [{ contract, mode }],
        ...(settings === 'changed' && { flushRows: 2 }),
      }),
    async readBack(storage: string) {
      const found = await database.query<{ is: boolean }>(
        `SELECT to_regclass('"c_${storage}".readings') IS NOT NULL AS is`,
      )
      if (found.rows[0]?.is !== true) return { stored: [], late: [], dead: [] }
      const offsets = async (table: string, column: string): Promise<number[]> =>
        (await database.query<{ at: number }>(`SELECT ${column} AS at FROM "c_${storage}".${table}`)).rows.map(
          ({ at }) => Number(at),
        )
      return {
        stored: await offsets('readings', '_offset'),
        late: [],
        dead: await offsets('ingest_dead_letter', '"offset"'),
      }
    },
  }
}

describeSink('pglite upsert', subject('upsert'))
describeSink('pglite scd2', subject('scd2'))
