import { afterAll } from 'vitest'
import { describeSink } from '@sluice/ingest-core/conformance'
import type { Landed, SinkContext } from '@sluice/ingest-core/conformance'
import { createPostgresSink } from '../src/index.ts'
import type { PostgresTable } from '../src/index.ts'
import { losingReplyOf } from './lossy-connector.ts'
import { connect, sql } from './server.ts'

const pool = connect()
const schemas = new Set<string>()

afterAll(async () => {
  await pool.close()
  for (const schema of schemas) await sql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
})

function schemaOf(storage: string): string {
  const schema = `c_${process.pid}_${storage}`
  schemas.add(schema)
  return schema
}

function subject(mode: PostgresTable['mode']) {
  return {
    lateLane: false,
    make({ storage, contract, settings, loseReplyOfWrite }: SinkContext) {
      return createPostgresSink({
        connection: loseReplyOfWrite === undefined ? pool : losingReplyOf(loseReplyOfWrite, pool),
        sinkId: 'conformance',
        owner: 'tests',
        schema: schemaOf(storage),
        tables: [{ contract, mode }],
        retry: { firstMs: 1, maxMs: 5 },
        ...(settings === 'changed' && { flushRows: 2, workMem: '1MB' }),
      })
    },
    async readBack(storage: string): Promise<Landed> {
      const schema = schemaOf(storage)
      const found = await sql(`SELECT to_regclass('"${schema}".readings') IS NOT NULL AS found`)
      if (found[0]!['found'] !== true) return { stored: [], late: [], dead: [] }
      const offsets = async (table: string, column: string): Promise<number[]> =>
        (await sql<{ at: string }>(`SELECT ${column} AS at FROM "${schema}".${table}`)).map(({ at }) => Number(at))
      return {
        stored: await offsets('readings', '_offset'),
        late: [],
        dead: await offsets('ingest_dead_letter', '"offset"'),
      }
    },
  }
}

describeSink('postgres append', subject('append'))
describeSink('postgres upsert', subject('upsert'))
describeSink('postgres insert-ignore', subject('insert-ignore'))
describeSink('postgres scd2', subject('scd2'))
