import { encodeHeaders } from '@sluice/ingest-core'
import type { Fetched, HeaderInput, PartitionId, RecordSlab, SourceError } from '@sluice/ingest-core'
import type { KafkaMessage } from 'kafkajs'

/** Messages of one batch that are not handed out yet: those from `at` on, covering offsets `[start, end)`. */
export interface Pending {
  readonly messages: readonly KafkaMessage[]
  at: number
  start: number
  readonly end: number
}

/** One partition during one assignment. */
export interface JsReading {
  readonly partition: PartitionId
  /** Where the next chunk begins; undefined until the first seek. */
  next: number | undefined
  version: number
  /** What kafkajs should fetch next: another answer means that it went somewhere by itself. */
  expected: number
  readonly pending: Pending[]
  /** Resolved when everything pending is handed out or dropped. */
  emptied: PromiseWithResolvers<void>
  /** Fetching stands still because what was fetched is not handed out yet. */
  full: boolean
  trouble: SourceError | undefined
  told: boolean
  served: number
}

export function createJsReading(partition: PartitionId): JsReading {
  return {
    partition,
    next: undefined,
    version: 0,
    expected: -1,
    pending: [],
    emptied: Promise.withResolvers(),
    full: false,
    trouble: undefined,
    told: false,
    served: 0,
  }
}

/** Drops what is pending; `next` is where to go on. */
export function positionJs(reading: JsReading, next: number | undefined, trouble?: SourceError): void {
  reading.version += 1
  reading.next = next
  reading.expected = next ?? -1
  reading.pending.length = 0
  reading.emptied.resolve()
  reading.trouble = trouble
  reading.told = false
}

/** What a record costs besides its bytes. */
const overhead = 24

/** Hands out at most about `maxBytes` of the first pending batch; one record may exceed it. */
export function takeSlab(reading: JsReading, maxBytes: number): Fetched {
  const pending = reading.pending[0]!
  const { messages, at } = pending
  const headers: Uint8Array[] = []
  let bytes = 0
  let count = 0
  for (; at + count < messages.length; count++) {
    const message = messages[at + count]!
    const section = encodeHeaders(headersOf(message))
    const size = (message.key?.length ?? 0) + (message.value?.length ?? 0) + section.length + overhead
    if (count > 0 && bytes + size > maxBytes) break
    headers.push(section)
    bytes += size
  }
  const slab = slabOf(messages, at, count, headers)
  const whole = at + count === messages.length
  const start = pending.start
  const end = whole ? pending.end : Number(messages[at + count - 1]!.offset) + 1
  pending.at += count
  pending.start = end
  reading.next = end
  if (whole) reading.pending.shift()
  if (reading.pending.length === 0) reading.emptied.resolve()
  return { partition: reading.partition, kind: 'slab', start, end, byteLength: bytes, slab }
}

/** kafkajs groups headers by name; the order between names is lost, and names are UTF-8. */
function headersOf(message: KafkaMessage): HeaderInput[] {
  const inputs: HeaderInput[] = []
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    for (const each of Array.isArray(value) ? value : [value]) {
      inputs.push([name, each === undefined ? null : typeof each === 'string' ? Buffer.from(each) : each])
    }
  }
  return inputs
}

function slabOf(
  messages: readonly KafkaMessage[],
  from: number,
  count: number,
  headers: readonly Uint8Array[],
): RecordSlab {
  let total = 0
  for (let i = 0; i < count; i++) {
    const { key, value } = messages[from + i]!
    total += (key?.length ?? 0) + (value?.length ?? 0) + (headers[i]!.length > 1 ? headers[i]!.length : 0)
  }
  const bytes = new Uint8Array(total)
  const ints = (): Int32Array => new Int32Array(count)
  const slab: RecordSlab = {
    bytes,
    length: count,
    offsets: new Float64Array(count),
    timestamps: new Float64Array(count),
    keyStart: ints(),
    keyEnd: ints(),
    valueStart: ints(),
    valueEnd: ints(),
    headersStart: ints(),
    headersEnd: ints(),
  }
  let at = 0
  const put = (part: Uint8Array | null, i: number, starts: Int32Array, ends: Int32Array): void => {
    if (part === null) {
      starts[i] = ends[i] = -1
      return
    }
    bytes.set(part, at)
    starts[i] = at
    at += part.length
    ends[i] = at
  }
  for (let i = 0; i < count; i++) {
    const message = messages[from + i]!
    slab.offsets[i] = Number(message.offset)
    slab.timestamps[i] = Number(message.timestamp)
    put(message.key, i, slab.keyStart, slab.keyEnd)
    put(message.value, i, slab.valueStart, slab.valueEnd)
    put(headers[i]!.length > 1 ? headers[i]! : null, i, slab.headersStart, slab.headersEnd)
  }
  return slab
}
