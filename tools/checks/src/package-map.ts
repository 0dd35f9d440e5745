/**
 * The package map of the house: for each folder in `packages/`, the packages it may import.
 * The arrows of DESIGN, spelled out in full: what is not listed is refused by lint, and the listing itself is tested
 * to be free of circles. A new package starts with a line here.
 */
export const packageMap: Readonly<Record<string, readonly string[]>> = {
  columnar: [],
  schemas: ['columnar'],
  generators: ['schemas', 'columnar'],
  'ingest-core': ['schemas', 'columnar'],
  'source-kafka': ['ingest-core', 'schemas', 'columnar'],
  'sink-s3-minio': ['ingest-core', 'schemas', 'columnar'],
  'sink-gcs': ['ingest-core', 'schemas', 'columnar'],
  'sink-adls': ['ingest-core', 'schemas', 'columnar'],
  'sink-postgres': ['ingest-core', 'schemas', 'columnar'],
  iceberg: ['ingest-core', 'schemas', 'columnar'],
  models: ['schemas'],
  quality: ['schemas'],
  windows: ['columnar'],
  runtime: ['ingest-core', 'schemas', 'columnar'],
  'app-kit': ['generators', 'runtime', 'ingest-core', 'schemas', 'columnar'],
  simulator: ['generators', 'source-kafka', 'runtime', 'ingest-core', 'schemas', 'columnar'],
}

/** Clients of other people's systems, as a pattern on the module name, and the packages that may drive them. Apps may too, to wire them. */
export const vendorClients: readonly { readonly module: string; readonly packages: readonly string[] }[] = [
  { module: 'kafkajs', packages: ['source-kafka'] },
  { module: '@platformatic/kafka', packages: ['source-kafka'] },
  { module: '@aws-sdk/', packages: ['sink-s3-minio'] },
  { module: '@google-cloud/storage', packages: ['sink-gcs'] },
  { module: '@google-cloud/bigquery', packages: ['models'] },
  { module: '@azure/', packages: ['sink-adls'] },
  { module: 'pg', packages: ['sink-postgres', 'iceberg', 'models'] },
  { module: '@electric-sql/pglite', packages: ['sink-postgres', 'models'] },
  { module: '@duckdb/node-api', packages: ['models', 'iceberg', 'app-kit'] },
  { module: 'apache-arrow', packages: ['columnar'] },
]
