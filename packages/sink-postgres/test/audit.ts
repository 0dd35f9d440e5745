import { expect } from 'vitest'
import { sql } from './server.ts'

/** What was produced, and what must become of it: by offset of one partition. */
export interface Produced {
  readonly good: readonly number[]
  readonly bad: readonly number[]
}

/**
 * The auditor: every produced record is a row or a dead letter, exactly once, and progress stands behind the last
 * (RELIABILITY 1.4). For tables of mode `append`.
 */
export async function auditAppend(schema: string, produced: Produced, url?: string): Promise<void> {
  const numbers = async (text: string): Promise<number[]> =>
    (await sql<{ at: string }>(text, [], url)).map(({ at }) => Number(at))
  const stored = await numbers(`SELECT _offset AS at FROM ${schema}.things ORDER BY 1`)
  const dead = await numbers(`SELECT "offset" AS at FROM ${schema}.ingest_dead_letter ORDER BY 1`)
  expect(stored).toEqual([...produced.good])
  expect(dead).toEqual([...produced.bad])
  const progress = await sql<{ next: string; consumed: string; stored: string; dead: string }>(
    `SELECT next_offset AS next, consumed, stored, dead_lettered AS dead FROM ${schema}.ingest_progress`,
    [],
    url,
  )
  const total = produced.good.length + produced.bad.length
  expect(progress.map((row) => Object.values(row).map(Number))).toEqual([
    [total, total, produced.good.length, produced.bad.length],
  ])
}
