import { parentPort } from 'node:worker_threads'
import type { ColumnBatch } from '@sluice/columnar'
import type { DecodedBatch } from '../src/decode/decoded.ts'
import type { DecodeReply, DecodeRequest } from '../src/decode/request.ts'
import { cellAfterDecode } from '../src/decode/request.ts'
import { serveWorker } from '../src/workers/protocol.ts'

/**
 * A worker whose records are letters with side effects: `x` ends the thread, `m` eats its heap, `h` never returns, `w` is
 * heavy (three of them in one request are too much), `t` throws; anything else is a row.
 */
function decode(request: DecodeRequest): DecodeReply {
  const { fetched, from, to } = request
  if (fetched.kind !== 'slab') throw new TypeError('slabs only')
  const letters = new TextDecoder().decode(fetched.slab.bytes)
  const cell = request.cell === undefined ? undefined : new Float64Array(request.cell)
  const crashed = new Set(request.crashed)
  const rows: bigint[] = []
  const rejects: DecodedBatch['rejects'][number][] = []
  let heavy = 0
  fetched.slab.offsets.forEach((offset, i) => {
    if (offset < from || offset >= to) return
    if (cell !== undefined) cell[0] = offset
    const letter = letters[i]
    if (crashed.has(offset)) {
      const nothing = { key: null, value: null, headers: null, schemaId: null, timestamp: 0, path: '', expected: '' }
      rejects.push({ ...nothing, offset, stage: 'decode', code: 'decode_crash' })
      return
    }
    if (letter === 'w') heavy += 1
    if (letter === 'x' || heavy >= 3) process.exit(7)
    if (letter === 'm') eatHeap()
    if (letter === 't') throw new Error('a defect')
    if (letter === 'h') for (;;) heavy += 0
    rows.push(BigInt(offset))
  })
  if (cell !== undefined) cell[0] = cellAfterDecode
  if (letters.includes('z')) process.exit(8)
  const batch: ColumnBatch = {
    schema: { fields: [{ name: '_offset', type: { kind: 'int64' }, nullable: false }] },
    length: rows.length,
    columns: [{ type: { kind: 'int64' }, length: rows.length, nullCount: 0, values: BigInt64Array.from(rows) }],
  }
  const counts = {
    consumed: rows.length + rejects.length,
    filtered: 0,
    duplicate: 0,
    byteLength: 8,
    maxEventTime: null,
    oldestRecord: null,
  }
  return { kind: 'decoded', decoded: { start: from, end: to, batch, rejects, ...counts } }
}

function eatHeap(): void {
  const held: object[] = []
  for (;;) held.push(Array.from({ length: 1000 }, (_, i) => ({ i })))
}

let calls = 0
serveWorker(parentPort!, {
  decode: (request: DecodeRequest) => ({ value: decode(request) }),
  echo: (args: unknown) => ({ value: args }),
  calls: () => ({ value: ++calls }),
  die: () => process.exit(9),
  'files.open': () => ({ value: null }),
  'files.append': () => process.exit(9),
  fail: () => {
    throw Object.assign(new RangeError('made for the test'), { code: 'MADE' })
  },
})
