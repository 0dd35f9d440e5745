import { join } from 'node:path'
import type { LakeApp } from '@sluice/app-kit'
import { layouts, type LayoutPatterns } from '@sluice/ingest-core'
import {
  createPostgresDeadLetters,
  createPostgresSink,
  type PostgresSinkOptions,
  type PostgresTable,
} from '@sluice/sink-postgres'
import type { Contract } from '@sluice/schemas'
import type { OnPremConfig } from '../config.ts'
import { openRegistry, usesHttpRegistry } from '../parts/registry.ts'
import { lakeFiles, openStore } from '../parts/store.ts'
import { topicsOf, type Topics } from '../parts/topics.ts'
import { openWarehouse } from '../parts/warehouse.ts'

/** One topic that lands in the lake and, by the same stream, in a table of the warehouse. */
export interface WarehouseApp extends LakeApp {
  readonly config: OnPremConfig
  readonly topics: Topics
  /** Schema of the domain in the warehouse. */
  readonly schema: string
  readonly warehouseTable: PostgresTable
}

export interface WarehouseDomain {
  /** `telco`: names the chain, the group's work, the schema and the ledger. */
  readonly name: string
  /** Of the pipeline. */
  readonly contract: Contract
  /** Of the files, when they hold other columns. */
  readonly lakeContract?: Contract
  readonly layout?: LayoutPatterns
  readonly warehouseTable: Omit<PostgresTable, 'schema'>
  readonly asSent?: NonNullable<LakeApp['asSent']>
}

/**
 * Everything of a domain has its name: folder, consumer group, chain, schema. So domains share services without meeting.
 */
export function openWarehouseApp(given: OnPremConfig, domain: WarehouseDomain): WarehouseApp {
  const config: OnPremConfig = {
    ...given,
    dataDir: join(given.dataDir, domain.name),
    kafka: { ...given.kafka, groupId: `${given.kafka.groupId}-${domain.name}` },
  }
  const { name, contract, lakeContract = contract, layout = layouts.lake, asSent } = domain
  const topics = topicsOf(config, [contract.topic])
  const owner = `on-prem-${name}`
  const pipeline = { name, version: String(contract.versions.at(-1)!.version) }
  const warehouseTable = { ...domain.warehouseTable, schema: name }
  const warehouse: Omit<PostgresSinkOptions, 'connection'> = {
    sinkId: `${name}-warehouse`,
    owner,
    schema: name,
    pipeline,
    tables: [warehouseTable],
  }
  return {
    config,
    topics,
    contracts: [contract],
    tables: [{ contract: lakeContract }],
    sinkId: `${name}-bronze`,
    owner,
    pipeline,
    layout,
    schema: name,
    warehouseTable,
    ledger: join(config.dataDir, 'ledger', `${name}.jsonl`),
    ...(usesHttpRegistry(config) ? {} : { schemaChecks: 1 }),
    ...(asSent === undefined ? {} : { asSent }),
    files: lakeFiles(config),
    openStore: (signal) => openStore(config, signal),
    openSource: (purpose) => topics.openSource(purpose),
    openRegistry: () => openRegistry(config),
    async openFurtherSinks() {
      const connection = await openWarehouse(config)
      const sink = createPostgresSink({ ...warehouse, connection })
      return { members: [{ name: 'warehouse', sink }], close: () => connection.close() }
    },
    async openFurtherLetters(decoder) {
      const connection = await openWarehouse(config)
      const letters = createPostgresDeadLetters({ ...warehouse, connection, decoder })
      return { members: [{ name: 'warehouse', letters }], close: () => connection.close() }
    },
  }
}
