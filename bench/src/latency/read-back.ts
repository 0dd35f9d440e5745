import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { openPlace, prefixOf } from '../kafka/lake-place.ts'
import type { LakePlace } from '../kafka/lake-place.ts'

/** Rows and different event ids in the data files of a place, Parquet or JSON Lines. */
export async function countStored(place: LakePlace): Promise<{ readonly rows: number; readonly ids: number }> {
  const store = await openPlace(place)
  const signal = new AbortController().signal
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-latency-'))
  const ids = new Set<string>()
  let rows = 0
  const parquet: string[] = []
  for await (const { key } of store.list(`${prefixOf(place)}/`, signal)) {
    if (key.endsWith('.parquet')) {
      parquet.push(join(folder, `${parquet.length}.parquet`))
      writeFileSync(parquet.at(-1)!, await store.get(key, signal))
    } else if (key.endsWith('.jsonl')) {
      const text = Buffer.from(await store.get(key, signal)).toString('utf8')
      for (const line of text.split('\n').filter((each) => each !== '')) {
        rows += 1
        ids.add((JSON.parse(line) as { event_id: string }).event_id)
      }
    }
  }
  await store.close()
  if (parquet.length > 0) {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const sql = `SELECT count(*), count(DISTINCT event_id) FROM read_parquet('${folder}/*.parquet')`
    const [found] = (await connection.runAndReadAll(sql)).getRows()
    connection.closeSync()
    instance.closeSync()
    rmSync(folder, { recursive: true })
    return { rows: rows + Number(found![0]), ids: ids.size + Number(found![1]) }
  }
  rmSync(folder, { recursive: true })
  return { rows, ids: ids.size }
}
