/**
 * Parquet encode, columns to file: ours, hyparquet-writer and DuckDB (typed vectors, then COPY) on the same rows in the
 * same run. Prints one line per writer; with `--write` the result goes to `results/encode.json`.
 *
 * Repeat: `node --conditions=sluice-source bench/src/encode.ts [rows] [runs] [--write]`
 *
 * What is timed: ours from column buffers (what the decoder hands over) to file bytes; the others from arrays of
 * JavaScript strings and numbers made beforehand, so the conversion from bytes to strings is not held against them.
 * All three: zstd level 1, row groups of 131072 rows, one thread. Files are read back by DuckDB and must hold the same
 * rows as a multiset.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'
import { DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api'
import { createParquetEncoder } from '@sluice/columnar'
import { ByteWriter, parquetWrite } from 'hyparquet-writer'
import { median } from './median.ts'
import { origin, storeResult } from './store-result.ts'
import { makeUserEvents, userEventBatches, userEventSchema } from './user-event-columns.ts'

const numbers = process.argv.slice(2).filter((argument) => argument !== '--write')
const rows = Number(numbers[0] ?? 1_000_000)
const runs = Number(numbers[1] ?? 5)
const ROW_GROUP = 131_072
const folder = mkdtempSync(join(tmpdir(), 'sluice-encode-'))
const values = makeUserEvents(rows)
const batches = userEventBatches(values)
const symbols = (name: string): readonly string[] => {
  const { type } = userEventSchema.fields.find((field) => field.name === name)!
  return type.kind === 'enum' ? type.symbols : []
}
const named = (name: string, indices: readonly (number | null)[]): (string | null)[] =>
  indices.map((index) => (index === null ? null : symbols(name)[index]!))
/** Column name to JavaScript values, as the row-oriented writers take them. */
const arrays: Record<string, readonly (string | number | bigint | null)[]> = {
  ...values,
  event_type: named('event_type', values.event_type),
  device_type: named('device_type', values.device_type),
}

function encodeOurs(): Uint8Array {
  const encoder = createParquetEncoder(userEventSchema)
  for (const batch of batches) encoder.append(batch)
  return encoder.finish()
}

async function encodeHyparquet(): Promise<Uint8Array> {
  const writer = new ByteWriter()
  await parquetWrite({
    writer,
    codec: 'ZSTD',
    compressors: {
      ZSTD: (page) => zstdCompressSync(page, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
    },
    rowGroupSize: ROW_GROUP,
    columnData: userEventSchema.fields.map(({ name, type, nullable }) => ({
      name,
      data: arrays[name] as string[],
      type: type.kind === 'int64' ? 'INT64' : type.kind === 'float64' ? 'DOUBLE' : 'STRING',
      nullable,
    })),
  })
  return writer.getBytes()
}

const duckdb = await DuckDBInstance.create(':memory:', { threads: '1' })
const connection = await duckdb.connect()
await connection.run(
  `CREATE TABLE events (${userEventSchema.fields
    .map(({ name, type }) => {
      if (type.kind === 'enum') return `${name} ENUM(${type.symbols.map((symbol) => `'${symbol}'`).join(', ')})`
      return `${name} ${type.kind === 'int64' ? 'BIGINT' : type.kind === 'float64' ? 'DOUBLE' : 'VARCHAR'}`
    })
    .join(', ')})`,
)

async function encodeDuckdb(file: string): Promise<void> {
  await connection.run('TRUNCATE events')
  const appender = await connection.createAppender('events')
  const types = userEventSchema.fields.map((_, index) => appender.columnType(index))
  const names = userEventSchema.fields.map(({ name }) => name)
  for (let from = 0; from < rows; from += 2048) {
    const count = Math.min(2048, rows - from)
    const chunk = DuckDBDataChunk.create(types, count)
    names.forEach((name, index) => {
      const vector = chunk.getColumnVector(index)
      const column = arrays[name]!
      for (let i = 0; i < count; i++) vector.setItem(i, column[from + i]!)
      vector.flush()
    })
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
  await connection.run(
    `COPY events TO '${file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${ROW_GROUP})`,
  )
}

const files = {
  sluice: join(folder, 'sluice.parquet'),
  hyparquet: join(folder, 'hy.parquet'),
  duckdb: join(folder, 'd.parquet'),
}
const writers: Record<keyof typeof files, () => Promise<void>> = {
  sluice: async () => writeFileSync(files.sluice, encodeOurs()),
  hyparquet: async () => writeFileSync(files.hyparquet, await encodeHyparquet()),
  duckdb: () => encodeDuckdb(files.duckdb),
}
const names = Object.keys(files) as (keyof typeof files)[]
const seconds: Record<keyof typeof files, number[]> = { sluice: [], hyparquet: [], duckdb: [] }
/** Processor time of the whole process, its garbage collector included: steadier than the clock on a busy machine. */
const cpuSeconds: Record<keyof typeof files, number[]> = { sluice: [], hyparquet: [], duckdb: [] }
// One unmeasured round warms the compiled code; rounds alternate so that a busy machine hits all three alike.
for (let run = 0; run <= runs; run++) {
  for (const name of names) {
    const start = performance.now()
    const cpu = process.cpuUsage()
    await writers[name]()
    const used = process.cpuUsage(cpu)
    if (run === 0) continue
    seconds[name].push((performance.now() - start) / 1000)
    cpuSeconds[name].push((used.user + used.system) / 1e6)
  }
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))
const columns = userEventSchema.fields
  .map(({ name, type }) => (type.kind === 'enum' ? `${name}::VARCHAR AS ${name}` : name))
  .join(', ')
async function differences(a: string, b: string): Promise<number> {
  const sql = `SELECT count(*)::INTEGER FROM ((SELECT ${columns} FROM '${a}') EXCEPT ALL (SELECT ${columns} FROM '${b}'))`
  return Number((await connection.runAndReadAll(sql)).getRows()[0]![0])
}

const ours = median(seconds.sluice)
const writersOut = []
for (const name of names) {
  const parity = {
    missing: await differences(files.sluice, files[name]),
    extra: await differences(files[name], files.sluice),
  }
  if (parity.missing + parity.extra !== 0) throw new Error(`${name}: rows differ: ${JSON.stringify(parity)}`)
  const time = median(seconds[name])
  const result = {
    writer: name,
    rowsPerSecond: Math.round(rows / time),
    medianSeconds: round(time, 3),
    seconds: seconds[name].map((s) => round(s, 3)),
    medianCpuSeconds: round(median(cpuSeconds[name]), 3),
    cpuSeconds: cpuSeconds[name].map((s) => round(s, 3)),
    fileBytes: statSync(files[name]).size,
    timesOfSluice: round(time / ours, 2),
    cpuTimesOfSluice: round(median(cpuSeconds[name]) / median(cpuSeconds.sluice), 2),
  }
  writersOut.push(result)
  console.log(
    `${name.padEnd(10)} ${(result.rowsPerSecond / 1e6).toFixed(2)} M rows/s  ${(result.fileBytes / 1e6).toFixed(1)} MB  ${result.timesOfSluice.toFixed(2)}x our time, ${result.cpuTimesOfSluice.toFixed(2)}x our CPU time`,
  )
}
rmSync(folder, { recursive: true })

const report = {
  benchmark: 'Parquet encode of UserEvent v2, 11 columns, zstd level 1, one thread',
  command: `node --conditions=sluice-source bench/src/encode.ts ${rows} ${runs} --write`,
  ...origin(),
  rows,
  runs,
  writers: writersOut,
}
if (process.argv.includes('--write')) storeResult('encode', report)
