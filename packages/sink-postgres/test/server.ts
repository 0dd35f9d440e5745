import pg from 'pg'
import { testServices } from '@sluice-tools/services'
import { createPgConnector } from '../src/index.ts'
import type { PgConnectorOptions, SqlConnector } from '../src/index.ts'

/** The server that all tests of a run share: schemas of one's own, no restarts. */
export const serverUrl = (await testServices(['postgres'])).env['POSTGRES_URL']!

let names = 0

/** A name no other test has. */
export function freshName(prefix: string): string {
  return `${prefix}_${process.pid}_${(names += 1)}`
}

export function connect(options: PgConnectorOptions = {}): SqlConnector {
  return createPgConnector({ connectionString: serverUrl, ...options })
}

/** Runs statements on a connection of its own and gives the rows of the last. */
export async function sql<T extends object = Record<string, unknown>>(
  text: string,
  params: unknown[] = [],
  url = serverUrl,
): Promise<T[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const result = await client.query(text, params)
    return (Array.isArray(result) ? result.at(-1) : result).rows as T[]
  } finally {
    await client.end()
  }
}

/** A schema of its own for each test. */
export async function freshSchema(prefix = 't'): Promise<string> {
  const schema = freshName(prefix)
  await sql(`CREATE SCHEMA ${schema}`)
  return schema
}
