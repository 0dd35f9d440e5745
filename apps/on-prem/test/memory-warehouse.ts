import { PGlite } from '@electric-sql/pglite'
import { postgresDdl, type Contract } from '@sluice/schemas'
import { createPgliteConnector, type SqlConnector } from '@sluice/sink-postgres'
import { inTransaction } from '../src/warehouse/run-sql.ts'
import { never } from './memory-lake.ts'

export interface Warehouse {
  readonly connector: SqlConnector
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  close(): Promise<void>
}

/** PostgreSQL inside the process: for what is about SQL and not about servers. */
export async function openWarehouse(): Promise<Warehouse> {
  const database = await PGlite.create()
  const connector = createPgliteConnector(database)
  return {
    connector,
    rows: (sql) => inTransaction(connector, never, async (session) => (await session.query(sql)).rows),
    async close() {
      await connector.close()
      await database.close()
    },
  }
}

/** A schema with the table a sink would have made. */
export function schemaDdl(contract: Contract, schema: string, table: string, primaryKey: readonly string[]): string {
  return `drop schema if exists ${schema} cascade; create schema ${schema};
    ${postgresDdl(contract, { schema, table, primaryKey })}
    create table ${schema}.ingest_progress (consumed bigint not null, dead_lettered bigint not null);`
}
