import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { createPgConnector, createPgliteConnector, type SqlConnector } from '@sluice/sink-postgres'
import type { OnPremConfig } from '../config.ts'

type WarehouseConfig = Pick<OnPremConfig, 'postgres' | 'dataDir'>

/** The warehouse of a profile: a server, or PostgreSQL in this process with its files below the data folder. */
export async function openWarehouse(config: WarehouseConfig): Promise<SqlConnector> {
  const { url, tls, caFile } = config.postgres
  if (url !== undefined) {
    const ssl = caFile === undefined ? tls : { ca: readFileSync(caFile, 'utf8') }
    return createPgConnector({ connectionString: url.reveal(), ssl, applicationName: 'sluice-on-prem' })
  }
  const folder = warehouseFolder(config)
  await mkdir(folder, { recursive: true })
  const database = await PGlite.create(folder)
  const connector = createPgliteConnector(database)
  return {
    ...connector,
    async close() {
      await connector.close()
      if (!database.closed) await database.close()
    },
  }
}

export function warehouseFolder({ dataDir }: Pick<OnPremConfig, 'dataDir'>): string {
  return join(dataDir, 'postgres')
}

/** Opens the warehouse for one piece of work. */
export async function withWarehouse<T>(
  config: WarehouseConfig,
  work: (connector: SqlConnector) => Promise<T>,
): Promise<T> {
  const connector = await openWarehouse(config)
  try {
    return await work(connector)
  } finally {
    await connector.close()
  }
}
