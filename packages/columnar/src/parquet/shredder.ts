import type { Column } from '../types.ts'
import { ColumnarError } from '../errors.ts'
import type { LeafColumn } from './leaf-column.ts'
import type { TreeNode } from './schema-tree.ts'

/**
 * Entries of a nested column on their way to its leaves. Entry `i` is position `at[i]` of the current column, or ended
 * higher up (`at[i] < 0`) with definition level `def[i]`; `rep[i]` is its repetition level.
 */
interface Entries {
  at: Int32Array
  def: Uint8Array
  rep: Uint8Array
  count: number
}

/**
 * Takes columns apart into the leaves of a Parquet schema (Dremel's record shredding), a whole column at a time: each
 * step of a path turns one set of entry arrays into the next, so no row is visited as such.
 * @see https://parquet.apache.org/docs/file-format/nestedencoding/
 */
export function createShredder(leaves: readonly LeafColumn[]) {
  // A list needs two sets: one for its own entries, one for those of its elements.
  const ownEntries = new Map<TreeNode, Entries>()
  const elementEntries = new Map<TreeNode, Entries>()

  /** Entry arrays of one tree node, kept between batches. */
  function scratchFor(node: TreeNode, n: number, scratchOf = ownEntries): Entries {
    let scratch = scratchOf.get(node)
    if (!scratch || scratch.at.length < n) {
      const capacity = Math.max(1024, n + (n >>> 1))
      scratch = {
        at: new Int32Array(capacity),
        def: new Uint8Array(capacity),
        rep: new Uint8Array(capacity),
        count: 0,
      }
      scratchOf.set(node, scratch)
    }
    return scratch
  }

  /** Ends the entries that are null here and raises the others to the node's definition level. */
  function throughNulls(node: TreeNode, column: Column, from: Entries): Entries {
    const { validity, nullCount } = column
    const nullable = node.nullable
    const hasNulls = nullCount > 0 && validity !== undefined
    if (!nullable && !hasNulls) return from
    const out = scratchFor(node, from.count)
    const allNull = node.kind === 'leaf' && node.leaf.type.kind === 'null'
    for (let i = 0; i < from.count; i++) {
      const position = from.at[i]!
      out.rep[i] = from.rep[i]!
      if (position < 0) {
        out.at[i] = position
        out.def[i] = from.def[i]!
      } else if (allNull || (hasNulls && ((validity[position >>> 3]! >>> (position & 7)) & 1) === 0)) {
        if (!nullable) throw unexpectedNull(node, position)
        out.at[i] = -1
        out.def[i] = node.def - 1
      } else {
        out.at[i] = position
        out.def[i] = node.def
      }
    }
    out.count = from.count
    return out
  }

  /** Replaces each entry by the elements of its list; an empty list ends here. */
  function throughLists(node: TreeNode & { kind: 'repeated' }, column: Column, from: Entries): Entries {
    const offsets = column.offsets!
    let total = 0
    for (let i = 0; i < from.count; i++) {
      const position = from.at[i]!
      total += position < 0 ? 1 : Math.max(1, offsets[position + 1]! - offsets[position]!)
    }
    const out = scratchFor(node, total, elementEntries)
    let count = 0
    for (let i = 0; i < from.count; i++) {
      const position = from.at[i]!
      const start = position < 0 ? 0 : offsets[position]!
      const end = position < 0 ? 0 : offsets[position + 1]!
      out.rep[count] = from.rep[i]!
      if (start === end) {
        out.at[count] = -1
        out.def[count++] = position < 0 ? from.def[i]! : node.def
        continue
      }
      for (let element = start; element < end; element++) {
        if (element > start) out.rep[count] = node.rep
        out.at[count] = element
        out.def[count++] = node.def + 1
      }
    }
    out.count = count
    return out
  }

  function shred(node: TreeNode, column: Column, from: Entries): void {
    const entries = throughNulls(node, column, from)
    switch (node.kind) {
      case 'leaf': {
        const positions = positionsFor(entries.count)
        let present = 0
        let contiguous = true
        for (let i = 0; i < entries.count; i++) {
          const position = entries.at[i]!
          if (position < 0) continue
          contiguous &&= present === 0 || position === positions[present - 1]! + 1
          positions[present++] = position
        }
        leaves[node.leaf.index]!.appendEntries(
          column,
          entries.def,
          entries.rep,
          entries.count,
          positions,
          present,
          contiguous,
        )
        return
      }
      case 'struct':
        node.children.forEach((child, index) => shred(child, column.children![index]!, entries))
        return
      case 'repeated': {
        const elements = throughLists(node, column, entries)
        node.children.forEach((child, index) => shred(child, column.children![index]!, elements))
      }
    }
  }

  return {
    /** Appends rows `at[0, n)` of a column; `contiguous` says that these are successive rows. */
    append(node: TreeNode, column: Column, at: Int32Array, n: number, contiguous: boolean): void {
      if (node.kind === 'leaf') {
        if (!node.nullable && column.nullCount > 0) throw unexpectedNull(node, -1)
        leaves[node.leaf.index]!.appendFlat(column, at, n, contiguous, positionsFor(n))
        return
      }
      const roots: Entries = { at, def: zeros(n), rep: zeros(n), count: n }
      shred(node, column, roots)
    },
  }
}

/** Where the values of one leaf are in its column; nobody keeps it beyond the call, so all leaves of all files share it. */
let positions = new Int32Array(0)

function positionsFor(n: number): Int32Array {
  if (positions.length < n) positions = new Int32Array(Math.max(4096, n + (n >>> 1)))
  return positions
}

let zeroLevels = new Uint8Array(0)

function zeros(n: number): Uint8Array {
  if (zeroLevels.length < n) zeroLevels = new Uint8Array(Math.max(4096, n))
  return zeroLevels
}

function unexpectedNull(node: TreeNode, position: number): ColumnarError {
  const where = node.kind === 'leaf' ? ` ${JSON.stringify(node.leaf.path.join('.'))}` : ''
  const row = position < 0 ? '' : ` at position ${position}`
  return new ColumnarError('BATCH_VALUE', `Column${where} is not nullable but the batch holds a null${row}.`)
}
