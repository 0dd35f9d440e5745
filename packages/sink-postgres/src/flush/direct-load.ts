import { quoteText } from '@sluice/schemas'
import { copyHeader, copyTrailer, countBytes, epochMillis, lengthBytes } from '../encode/copy-format.ts'
import { stagedColumns } from '../encode/encode-rows.ts'
import type { FlushConstants } from '../merge/names.ts'
import type { SqlSession } from '../session/session.ts'
import type { ReadyTable } from '../table/prepare-table.ts'
import type { PlannedColumn } from '../table/table-options.ts'
import { shapeSql } from '../table/catalog.ts'
import type { FlushBuffer } from './buffer.ts'
import type { Habits } from './habits.ts'
import { askedColumns } from './ask-first.ts'
import { flatten, headBytes, keyOrder } from './key-order.ts'
import type { DirectLoad } from './key-order.ts'

/** The table is not what it was when its catalog was read, so rows encoded for it might be misread. */
export class TableChanged extends Error {}

/**
 * Whether a flush may be copied straight into the table, which costs the server about a third of a merge. It may when every
 * row is an insert: no deletions, no key twice, types that read the bytes as they are, and nothing learned that speaks
 * against it. Whether a key is in the table already is left to its unique index: then the load fails as a whole, and
 * the flush is merged instead.
 */
export function planDirectLoad(table: ReadyTable, buffer: FlushBuffer, habits: Habits): DirectLoad | undefined {
  const { plan } = table
  if (!table.direct || habits.wait > 0 || habits.known > 0) return undefined
  if (habits.suspicious > 0 && askedColumns(table).length === 0) return undefined
  if (buffer.rowCount === 0 || buffer.tombstones.length > 0) return undefined
  const rows = flatten(buffer.rows)
  if (plan.mode === 'append') return { rows, order: undefined }
  const order = keyOrder(rows, plan.key.length)
  return order === undefined ? undefined : { rows, order }
}

/**
 * Locks the table against changes of its shape until the transaction ends, and looks whether it has changed already: its
 * unique index is what keeps keys single here, and binary COPY would take the bytes of one type for another.
 * @throws TableChanged; errors of the server
 */
export async function lockShape(session: SqlSession, { plan, shape }: ReadyTable): Promise<void> {
  const { rows } = await session.query(
    `LOCK TABLE ${plan.target} IN ROW EXCLUSIVE MODE;SELECT (${shapeSql(quoteText(plan.target))}) = ${quoteText(shape)} AS same`,
  )
  if (rows[0]?.['same'] !== true) throw new TableChanged(`${plan.target} was changed`)
}

/** @throws errors of the server; after one that is about a row, nothing of the transaction is worth keeping */
export async function loadDirectly(
  session: SqlSession,
  table: ReadyTable,
  load: DirectLoad,
  flush: FlushConstants,
): Promise<void> {
  const { columns } = table.plan
  const constants = columns.filter((column) => column.source !== 'row')
  const offset = columns.filter((column) => column.source === 'row' && column.field.name === '_offset')
  const names = [...constants, ...offset, ...stagedColumns(table.plan)].map(({ sql }) => sql)
  const fields = names.length
  const head = headOf(fields, constants, flush)
  const skip = offset.length > 0 ? countBytes : headBytes
  await session.copyIn(
    `COPY ${table.plan.target} (${names.join(', ')}) FROM STDIN (FORMAT binary)`,
    directChunks(load, head, skip),
  )
  // Deferred constraints are checked here, where the flush can still be merged instead (fault 62).
  await session.query('SET CONSTRAINTS ALL IMMEDIATE')
}

/** Number of fields, then the columns that are the same in all rows of the flush. */
function headOf(fields: number, constants: readonly PlannedColumn[], flush: FlushConstants): Uint8Array {
  const values = constants.map((column) => {
    switch (column.source) {
      case 'topic':
        return Buffer.from(flush.topic)
      case 'partition': {
        const bytes = Buffer.alloc(4)
        bytes.writeInt32BE(flush.partition)
        return bytes
      }
      case 'ingested': {
        const bytes = Buffer.alloc(8)
        bytes.writeBigInt64BE(BigInt(flush.ingestedAt - epochMillis) * 1000n)
        return bytes
      }
      case 'row':
        throw new TypeError(`${column.name} is not the same in all rows`)
    }
  })
  const count = Buffer.alloc(countBytes)
  count.writeInt16BE(fields)
  return Buffer.concat([
    count,
    ...values.flatMap((value) => {
      const size = Buffer.alloc(lengthBytes)
      size.writeInt32BE(value.length)
      return [size, value]
    }),
  ])
}

const chunkBytes = 256 * 1024

/** The bytes of the COPY, a chunk at a time in one array: `head` instead of the first `skip` bytes of each row. */
function* directChunks({ rows, order }: DirectLoad, head: Uint8Array, skip: number): Generator<Uint8Array> {
  yield copyHeader
  const { part, start, end } = rows
  const length = order?.length ?? rows.length
  const bytes = rows.parts.map((each) => each.bytes)
  let chunk = new Uint8Array(chunkBytes)
  let to = 0
  for (let i = 0; i < length; i++) {
    const row = order === undefined ? i : order[i]!
    const from = start[row]! + skip
    const size = end[row]! - from
    if (to + head.length + size > chunk.length) {
      if (to > 0) yield chunk.subarray(0, to)
      if (head.length + size > chunk.length) chunk = new Uint8Array(head.length + size)
      to = 0
    }
    chunk.set(head, to)
    to += head.length
    chunk.set(bytes[part[row]!]!.subarray(from, end[row]), to)
    to += size
  }
  if (to > 0) yield chunk.subarray(0, to)
  yield copyTrailer
}
