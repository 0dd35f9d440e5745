/**
 * What bad rows cost the PostgreSQL sink: flushes of 100,000 rows that are clean; with 0.1 % that the sink refuses itself (U+0000 in a
 * text); with 0.1 % that only the server can refuse (a CHECK). The sink alone, without a source. Prints a line per kind and
 * writes `results/postgres-bad-rows.json`.
 *
 * Repeat: `node --conditions=sluice-source bench/src/postgres-bad-rows.ts [flushes] [rounds]`; PostgreSQL is started for it.
 */
import pg from 'pg'
import { batchFromRows } from '@sluice/columnar'
import type { SinkBatch } from '@sluice/ingest-core'
import { arrowSchemaOf, lineageFields } from '@sluice/schemas'
import { createPgConnector, createPostgresSink } from '@sluice/sink-postgres'
import { ownServices } from '@sluice-tools/services'
import { median } from './median.ts'
import { contract, orderAt } from './postgres/order-events.ts'
import { origin, storeResult } from './store-result.ts'

const flushes = Number(process.argv[2] ?? 4)
const rounds = Number(process.argv[3] ?? 5)
const rowsPerFlush = 100_000
const everyBad = 1000
const kinds = ['clean', 'refused by the sink', 'refused by the server'] as const
type Kind = (typeof kinds)[number]

const services = await ownServices(['postgres'])
const url = services.env['POSTGRES_URL']!
const admin = new pg.Client(url)
const connection = createPgConnector({ connectionString: url, max: 1 })
const partition = { clusterId: 'bench', topicId: 'bench', topic: contract.topic, partition: 0 }
const fields = [...arrowSchemaOf(contract).fields, ...lineageFields.filter(({ name }) => name !== '_ingested_at')]
const signal = AbortSignal.timeout(3_600_000)

function batchOf(kind: Kind, flush: number): SinkBatch {
  const start = flush * rowsPerFlush
  const rows = Array.from({ length: rowsPerFlush }, (_, i) => {
    const order = orderAt(start + i)
    const bad = kind !== 'clean' && i % everyBad === 500
    return {
      ...order,
      placed_at: BigInt(order['placed_at'] as number),
      amount: (Number(order['amount']) / 100).toFixed(2),
      ...(bad && (kind === 'refused by the sink' ? { page: 'a\0b' } : { quantity: -1 })),
      _topic: contract.topic,
      _partition: 0,
      _offset: BigInt(start + i),
      _timestamp: null,
      _schema_id: 1,
    }
  })
  return {
    partition,
    start,
    end: start + rowsPerFlush,
    batch: batchFromRows({ fields }, rows),
    rejects: [],
    consumed: rowsPerFlush,
    filtered: 0,
    duplicate: 0,
  }
}

/** @returns seconds for all flushes; making the rows is not counted */
async function run(kind: Kind): Promise<number> {
  const schema = 'bad_rows_bench'
  await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}; CHECKPOINT`)
  const sink = createPostgresSink({
    connection,
    sinkId: 'bench',
    owner: 'bench',
    schema,
    tables: [{ contract, mode: 'upsert', lineage: 'position' }],
  })
  await sink.open(partition, () => Promise.resolve(0), signal)
  // All kinds pay for the constraint.
  await admin.query(`ALTER TABLE ${schema}.orders ADD CONSTRAINT quantity_positive CHECK (quantity > 0)`)
  await sink.abandon(partition)
  const again = createPostgresSink({
    connection,
    sinkId: 'bench',
    owner: 'bench',
    schema,
    tables: [{ contract, mode: 'upsert', lineage: 'position' }],
  })
  await again.open(partition, () => Promise.resolve(0), signal)
  let seconds = 0
  for (let flush = 0; flush < flushes; flush++) {
    const batch = batchOf(kind, flush)
    const start = performance.now()
    await again.write(batch, signal)
    const receipt = await again.commit({ partition, reason: 'rows' }, signal)
    seconds += (performance.now() - start) / 1000
    const dead = kind === 'clean' ? 0 : rowsPerFlush / everyBad
    if (receipt?.counts.deadLettered !== dead) throw new Error(`${kind}: ${JSON.stringify(receipt?.counts)}`)
  }
  await again.close()
  await sink.close()
  return seconds
}

try {
  await admin.connect()
  const seconds: Record<Kind, number[]> = { clean: [], 'refused by the sink': [], 'refused by the server': [] }
  for (const kind of kinds) await run(kind)
  for (let round = 0; round < rounds; round++) for (const kind of kinds) seconds[kind].push(await run(kind))
  const outcome = kinds.map((kind) => ({
    kind,
    rowsPerSecond: Math.round((flushes * rowsPerFlush) / median(seconds[kind])),
    ofClean: Number((median(seconds.clean) / median(seconds[kind])).toFixed(2)),
  }))
  for (const { kind, rowsPerSecond, ofClean } of outcome) {
    console.log(`${kind.padEnd(22)} ${rowsPerSecond.toLocaleString('en-US').padStart(8)} rows/s  ${ofClean} of clean`)
  }
  const result = {
    benchmark: `${flushes} flushes of ${rowsPerFlush} orders into PostgreSQL, upsert, 0.1 % bad rows`,
    command: `node --conditions=sluice-source bench/src/postgres-bad-rows.ts ${flushes} ${rounds}`,
    ...origin(),
    outcome,
  }
  storeResult('postgres-bad-rows', result)
} finally {
  await admin.end()
  await connection.close()
  await services.release()
}
