import { concatBatches, sliceBatch, takeRows } from '@sluice/columnar'
import type { Column, ColumnBatch } from '@sluice/columnar'
import { packRows, unpackRows } from './packed-rows.ts'
import type { PackedRows } from './packed-rows.ts'

/**
 * Rows of many small files, in one place until the files are written. An encoder costs tens of kilobytes whatever it holds, so
 * ten thousand of them would be a quarter of a gigabyte before the first row. Here a row costs what it holds, compressed: rows
 * are kept in blocks, ordered by file; a block that is large enough is divided by files into parts and packed. Each part is
 * unpacked once, when its files are written.
 */
export interface RowStage {
  /** Rows in it. */
  readonly rows: number
  /** What is held, and what unpacking the largest part will take besides, bytes. */
  readonly heldBytes: number
  /** Bytes that a row takes on average, as it lies here. */
  readonly bytesPerRow: number
  /** Keeps copies of the rows at `selection`; `routes` says per row of the batch which file it goes to. */
  add(batch: ColumnBatch, selection: Int32Array, routes: Int32Array): void
  /** Every file with its rows in the order they came, and lets go of them on the way. The stage is empty afterwards. */
  drain(): Generator<StagedFile>
}

export interface StagedFile {
  readonly route: number
  readonly batch: ColumnBatch
  /** Rows of `batch`. */
  readonly selection: Int32Array
}

/** Rows of several files, ordered by part, then file, then arrival. */
interface Block {
  readonly batch: ColumnBatch
  /** Of each row. */
  readonly routes: Int32Array
  readonly bytes: number
}

/** Rows of a block that belong to one part. */
interface Packed {
  readonly rows: PackedRows
  readonly routes: Int32Array
}

/** A file is in part `route % parts`. */
const parts = 64
/** Blocks are packed when together they have this size. */
const packBytes = 4 * 1024 * 1024
/** So many small blocks of a size become one, so that rows which come one by one do not each cost the objects of a batch. */
const mergeAt = 8
/** Memory of a typed array besides its elements. */
const arrayOverhead = 160

export function createRowStage(): RowStage {
  let loose: Block[] = []
  let looseBytes = 0
  let packed: Packed[][] = emptyParts()
  let packedBytes = 0
  /** Unpacked size of the packed rows, per part. */
  let rawBytes = new Float64Array(parts)
  let largestPart = 0
  let rows = 0

  function setLoose(blocks: Block[]): void {
    loose = blocks
    looseBytes = blocks.reduce((sum, block) => sum + block.bytes, 0)
  }

  /** Joins blocks at the end while there are many of about the same size. */
  function tidy(): void {
    for (;;) {
      const size = sizeClass(loose.at(-1)!)
      let from = loose.length
      while (from > 0 && sizeClass(loose[from - 1]!) <= size) from -= 1
      if (loose.length - from < mergeAt) break
      setLoose([...loose.slice(0, from), joined(loose.slice(from))])
    }
    if (looseBytes < packBytes) return
    pack(joined(loose))
    setLoose([])
  }

  function pack({ batch, routes }: Block): void {
    for (let part = 0, from = 0; part < parts; part++) {
      const to = endOfPart(routes, from, part)
      if (to === from) continue
      const piece = { rows: packRows(sliceBatch(batch, from, to)), routes: routes.slice(from, to) }
      packed[part]!.push(piece)
      packedBytes += piece.rows.bytes.byteLength + piece.routes.byteLength + 4 * arrayOverhead
      rawBytes[part]! += piece.rows.rawBytes + piece.routes.byteLength
      largestPart = Math.max(largestPart, rawBytes[part]!)
      from = to
    }
  }

  function* drain(): Generator<StagedFile> {
    const at = new Int32Array(loose.length)
    for (let part = 0; part < parts; part++) {
      const blocks = packed[part]!.map(({ rows: kept, routes }): Block => {
        packedBytes -= kept.bytes.byteLength + routes.byteLength + 4 * arrayOverhead
        return { batch: unpackRows(kept), routes, bytes: 0 }
      })
      packed[part] = []
      loose.forEach(({ batch, routes }, i) => {
        const from = at[i]!
        const to = (at[i] = endOfPart(routes, from, part))
        if (to > from) blocks.push({ batch: sliceBatch(batch, from, to), routes: routes.slice(from, to), bytes: 0 })
      })
      if (blocks.length > 0) yield* filesOf(blocks)
    }
    setLoose([])
    packed = emptyParts()
    packedBytes = 0
    rawBytes = new Float64Array(parts)
    largestPart = 0
    rows = 0
  }

  return {
    get rows() {
      return rows
    },
    get heldBytes() {
      // A part is unpacked, and then put in order, which makes a copy.
      return looseBytes + packedBytes + 2 * largestPart
    },
    get bytesPerRow() {
      return rows === 0 ? 0 : (looseBytes + packedBytes) / rows
    },
    add(batch, selection, routes) {
      const own = selection.map((row) => routes[row]!)
      const order = inOrder(own)
      const block = blockOf(
        takeRows(
          batch,
          order.map((at) => selection[at]!),
        ),
        order.map((at) => own[at]!),
      )
      loose.push(block)
      looseBytes += block.bytes
      rows += block.batch.length
      tidy()
    },
    drain,
  }
}

function emptyParts(): Packed[][] {
  return Array.from({ length: parts }, () => [])
}

/** Blocks whose sizes differ by less than eight times are of one class. */
function sizeClass({ bytes }: Block): number {
  return Math.floor(Math.log2(bytes) / 3)
}

function blockOf(batch: ColumnBatch, routes: Int32Array): Block {
  return { batch, routes, bytes: memoryOf(batch.columns) + routes.byteLength + arrayOverhead }
}

function memoryOf(columns: readonly Column[]): number {
  return columns.reduce((sum, { validity, offsets, values, children }) => {
    const own = [validity, offsets, values].reduce(
      (bytes, array) => (array === undefined ? bytes : bytes + array.byteLength + arrayOverhead),
      0,
    )
    return sum + own + (children === undefined ? 0 : memoryOf(children))
  }, 0)
}

/** The rows of all blocks, earlier ones first within a file. */
function joined(blocks: readonly Block[]): Block {
  const [first] = blocks
  if (blocks.length === 1) return first!
  const routes = new Int32Array(blocks.reduce((sum, block) => sum + block.routes.length, 0))
  let at = 0
  for (const block of blocks) {
    routes.set(block.routes, at)
    at += block.routes.length
  }
  const order = inOrder(routes)
  return blockOf(
    takeRows(concatBatches(blocks.map(({ batch }) => batch)), order),
    order.map((position) => routes[position]!),
  )
}

/** Positions ordered by part, then route; equal ones stay in order. */
function inOrder(routes: Int32Array): Int32Array {
  const rank = (route: number): number => (route % parts) * perPart + Math.floor(route / parts)
  let perPart = 0
  for (const route of routes) perPart = Math.max(perPart, Math.floor(route / parts) + 1)
  const starts = new Int32Array(parts * perPart + 1)
  for (const route of routes) starts[rank(route) + 1]! += 1
  for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!
  const order = new Int32Array(routes.length)
  for (let position = 0; position < routes.length; position++) {
    order[starts[rank(routes[position]!)]!++] = position
  }
  return order
}

function endOfPart(routes: Int32Array, from: number, part: number): number {
  let to = from
  while (to < routes.length && routes[to]! % parts === part) to += 1
  return to
}

function* filesOf(blocks: readonly Block[]): Generator<StagedFile> {
  const { batch, routes } = joined(blocks)
  for (let from = 0; from < routes.length;) {
    const route = routes[from]!
    let to = from + 1
    while (to < routes.length && routes[to] === route) to += 1
    const first = from
    yield { route, batch, selection: Int32Array.from({ length: to - from }, (_, i) => first + i) }
    from = to
  }
}
