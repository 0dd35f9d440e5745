import type { Column, ColumnBatch } from '@sluice/columnar'
import { WindowError } from './errors.ts'

export type GroupValue = string | boolean | number | null

/** Small numbers for the values of group columns, so that rows are grouped without a string or object for each. */
export interface GroupCodes {
  /** Fills `out` with the group number of each row of the batch. */
  codesOf(batch: ColumnBatch, out: Int32Array): void
  /** The values of a group, one per column. */
  valuesOf(group: number): readonly GroupValue[]
  readonly size: number
}

interface ColumnCodes {
  codesOf(column: Column, name: string, out: Int32Array): void
  readonly values: GroupValue[]
}

/** Pairs of codes as one exact number. */
const pairFactor = 2 ** 26

export function createGroupCodes(
  names: readonly string[],
  indexOf: (batch: ColumnBatch, name: string) => number,
): GroupCodes {
  const columns = names.map(() => createColumnCodes())
  /** By column from the second on: code so far and code of the column, to the combined code. */
  const pairs = names.slice(1).map(() => new Map<number, number>())
  const groups: (readonly GroupValue[])[] = names.length === 0 ? [[]] : []
  let scratch = new Int32Array(0)

  function combine(level: number, left: number, right: number): number {
    const pair = pairs[level]!
    const key = left * pairFactor + right
    let code = pair.get(key)
    if (code === undefined) pair.set(key, (code = pair.size))
    return code
  }

  return {
    codesOf(batch, out) {
      if (names.length === 0) {
        out.fill(0, 0, batch.length)
        return
      }
      if (scratch.length < batch.length) scratch = new Int32Array(batch.length)
      names.forEach((name, c) => {
        const column = batch.columns[indexOf(batch, name)]!
        if (c === 0) {
          columns[0]!.codesOf(column, name, out)
          if (names.length === 1) {
            for (let code = groups.length; code < columns[0]!.values.length; code++)
              groups.push([columns[0]!.values[code]!])
          }
          return
        }
        columns[c]!.codesOf(column, name, scratch)
        const last = c === names.length - 1
        for (let i = 0; i < batch.length; i++) {
          const left = out[i]!
          const code = combine(c - 1, left, scratch[i]!)
          out[i] = code
          if (last && code === groups.length) groups.push(unfold(c, left, scratch[i]!))
        }
      })
    },
    valuesOf: (group) => groups[group]!,
    get size() {
      return groups.length
    },
  }

  /** Values behind a pair of codes; done once per group. */
  function unfold(level: number, left: number, right: number): GroupValue[] {
    const value = columns[level]!.values[right]!
    if (level === 1) return [columns[0]!.values[left]!, value]
    for (const [key, code] of pairs[level - 2]!) {
      if (code === left) return [...unfold(level - 1, Math.floor(key / pairFactor), key % pairFactor), value]
    }
    throw new WindowError('WINDOW_COLUMN_UNSUITABLE', 'a group has no values; this is a defect')
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const NULL_CODE = 0

function createColumnCodes(): ColumnCodes {
  const values: GroupValue[] = [null]
  const byValue = new Map<Exclude<GroupValue, null>, number>()
  const texts = createTextCodes((text) => codeOf(text))
  /** Codes of the symbols of an enum type, by the type's own list. */
  const enums = new WeakMap<readonly string[], Int32Array>()

  function codeOf(value: Exclude<GroupValue, null>): number {
    let code = byValue.get(value)
    if (code === undefined) {
      code = values.push(value) - 1
      byValue.set(value, code)
    }
    return code
  }

  function symbolCodes(symbols: readonly string[]): Int32Array {
    let codes = enums.get(symbols)
    if (codes === undefined) enums.set(symbols, (codes = Int32Array.from(symbols, codeOf)))
    return codes
  }

  return {
    values,
    codesOf(column, name, out) {
      const { type, length, validity, offsets } = column
      const absent = (i: number): boolean => validity !== undefined && ((validity[i >> 3]! >> (i & 7)) & 1) === 0
      switch (type.kind) {
        case 'enum': {
          const codes = symbolCodes(type.symbols)
          const indices = column.values as Int32Array
          for (let i = 0; i < length; i++) out[i] = absent(i) ? NULL_CODE : codes[indices[i]!]!
          return
        }
        case 'utf8': {
          const bytes = column.values as Uint8Array
          for (let i = 0; i < length; i++) out[i] = absent(i) ? NULL_CODE : texts(bytes, offsets![i]!, offsets![i + 1]!)
          return
        }
        case 'boolean': {
          const bits = column.values as Uint8Array
          for (let i = 0; i < length; i++)
            out[i] = absent(i) ? NULL_CODE : codeOf(((bits[i >> 3]! >> (i & 7)) & 1) === 1)
          return
        }
        case 'int32':
        case 'date': {
          const numbers = column.values as Int32Array
          for (let i = 0; i < length; i++) out[i] = absent(i) ? NULL_CODE : codeOf(numbers[i]!)
          return
        }
        case 'null':
          out.fill(NULL_CODE, 0, length)
          return
        default:
          throw new WindowError('WINDOW_COLUMN_UNSUITABLE', `${name}: a column of type ${type.kind} cannot group rows`)
      }
    },
  }
}

interface TextEntry {
  readonly bytes: Uint8Array
  readonly code: number
  readonly next: TextEntry | undefined
}

/** Codes of UTF-8 texts by their bytes: a string is made once per distinct text. */
function createTextCodes(codeOf: (text: string) => number): (bytes: Uint8Array, start: number, end: number) => number {
  const chains = new Map<number, TextEntry>()
  return (bytes, start, end) => {
    let hash = 0x811c9dc5
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
    const first = chains.get(hash)
    for (let entry = first; entry !== undefined; entry = entry.next) {
      if (sameBytes(entry.bytes, bytes, start, end)) return entry.code
    }
    const own = bytes.slice(start, end)
    const code = codeOf(decoder.decode(own))
    chains.set(hash, { bytes: own, code, next: first })
    return code
  }
}

function sameBytes(own: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (own.length !== end - start) return false
  for (let i = 0; i < own.length; i++) if (own[i] !== bytes[start + i]) return false
  return true
}

export function compareGroups(a: readonly GroupValue[], b: readonly GroupValue[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareValues(a[i]!, b[i]!)
    if (order !== 0) return order
  }
  return 0
}

/** Null first; values of one column are of one type. */
function compareValues(a: GroupValue, b: GroupValue): number {
  if (a === b) return 0
  if (a === null) return -1
  if (b === null) return 1
  return a < b ? -1 : 1
}
