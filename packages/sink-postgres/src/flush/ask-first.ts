import { countBytes, copyHeader, copyTrailer, lengthBytes } from '../encode/copy-format.ts'
import { stagedColumns } from '../encode/encode-rows.ts'
import type { Refusal } from '../encode/check-values.ts'
import { copySql, stagingSql } from '../merge/merge.ts'
import type { SqlSession } from '../session/session.ts'
import type { ReadyTable } from '../table/prepare-table.ts'
import type { PlannedColumn } from '../table/table-options.ts'
import { askable, diagnose } from './diagnose.ts'
import { headBytes } from './key-order.ts'
import type { DirectLoad, FlatRows } from './key-order.ts'

/** Columns that constraints speak about, in the order of the rows. Empty when there is nothing to ask. */
export function askedColumns(table: ReadyTable): readonly PlannedColumn[] {
  const names = new Set(askable(table).flatMap(({ columns }) => columns))
  return stagedColumns(table.plan).filter(({ name }) => names.has(name))
}

/**
 * Rows that break a constraint that can be asked about, before a load: only the columns that constraints speak about are
 * staged for it.
 */
export async function askFirst(
  session: SqlSession,
  table: ReadyTable,
  rows: FlatRows,
): Promise<ReadonlyMap<number, Refusal>> {
  const columns = askedColumns(table)
  await session.query(stagingSql(table, columns))
  await session.copyIn(copySql(table, columns), askedChunks(table, rows, columns))
  return diagnose(session, table)
}

/** The load without the rows at these offsets. */
export function without({ rows, order }: DirectLoad, offsets: ReadonlyMap<number, unknown>): DirectLoad {
  if (offsets.size === 0) return { rows, order }
  const all = order ?? Uint32Array.from({ length: rows.length }, (_, row) => row)
  return { rows, order: all.filter((row) => !offsets.has(rows.offset[row]!)) }
}

const chunkBytes = 64 * 1024

/** Offset and asked columns of each row as bytes of a COPY, a chunk at a time in one array. */
function* askedChunks(
  { plan }: ReadyTable,
  { length, parts, part, start, end }: FlatRows,
  columns: readonly PlannedColumn[],
): Generator<Uint8Array> {
  yield copyHeader
  const wanted = stagedColumns(plan).map((column) => columns.includes(column))
  const last = wanted.lastIndexOf(true)
  const views = parts.map(({ bytes }) => new DataView(bytes.buffer, bytes.byteOffset))
  let chunk = new Uint8Array(chunkBytes)
  let view = new DataView(chunk.buffer)
  let to = 0
  for (let row = 0; row < length; row++) {
    const { bytes } = parts[part[row]!]!
    const from = start[row]!
    const most = end[row]! - from
    if (to + most > chunk.length) {
      if (to > 0) yield chunk.subarray(0, to)
      if (most > chunk.length) {
        chunk = new Uint8Array(most)
        view = new DataView(chunk.buffer)
      }
      to = 0
    }
    view.setInt16(to, 1 + columns.length)
    chunk.set(bytes.subarray(from + countBytes, from + headBytes), to + countBytes)
    to += headBytes
    const source = views[part[row]!]!
    let at = from + headBytes
    for (let column = 0; column <= last; column++) {
      const size = lengthBytes + Math.max(0, source.getInt32(at))
      if (wanted[column]) {
        chunk.set(bytes.subarray(at, at + size), to)
        to += size
      }
      at += size
    }
  }
  if (to > 0) yield chunk.subarray(0, to)
  yield copyTrailer
}
