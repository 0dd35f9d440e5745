import { zstdDecompressSync } from 'node:zlib'
import { createCanonicalRow, hashRow } from '@sluice/generators'
import { parseSchema, type Contract } from '@sluice/schemas'
import { parquetReadObjects } from 'hyparquet'

/** One record as it was found in a file. */
export interface FoundRecord {
  readonly partition: number
  readonly offset: number
  /** `hashRow` of a row; digest of the original bytes of a dead letter (undefined for null). */
  readonly content: string | undefined
  /** Of a dead letter. */
  readonly code?: string
}

export type ReadRows = (key: string, body: Uint8Array) => Promise<FoundRecord[]>

/** Reads data and late files, Parquet by hyparquet, JSONL by JSON.parse: neither is the product's own. */
export function rowReader({ schema }: Pick<Contract, 'schema'>): ReadRows {
  const node = parseSchema(schema)
  if (node.kind !== 'record') throw new TypeError('rows are records')
  const canonical = createCanonicalRow(schema)
  const longs = new Set(node.fields.filter(({ type }) => type.kind === 'long').map(({ name }) => name))
  return async (key, body) => {
    const rows = key.endsWith('.parquet') ? await parquetRows(body) : jsonRows(body)
    return rows.map((row) => {
      const clean = Object.fromEntries(
        node.fields.map(({ name }) => [name, longs.has(name) ? integer(row[name]) : (row[name] ?? null)]),
      )
      return {
        partition: Number(row['_partition']),
        offset: Number(row['_offset']),
        content: hashRow(canonical(clean as never)),
      }
    })
  }
}

async function parquetRows(body: Uint8Array): Promise<Record<string, unknown>[]> {
  const buffer = body.slice().buffer
  return parquetReadObjects({
    file: { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) },
    compressors: { ZSTD: (page) => zstdDecompressSync(page) },
  })
}

function jsonRows(body: Uint8Array): Record<string, unknown>[] {
  const lines = Buffer.from(body).toString('utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** A long as a whole number, whatever a reader made of a timestamp. */
function integer(value: unknown): bigint {
  if (value instanceof Date) return BigInt(value.getTime())
  if (typeof value === 'string' && !/^-?\d+$/.test(value)) return BigInt(Date.parse(value))
  return BigInt(value as number | bigint | string)
}

/** Dead letters, with the digest of their bytes. */
export async function readLetters(body: Uint8Array, digest: (bytes: Uint8Array) => string): Promise<FoundRecord[]> {
  return jsonRows(body).map(({ partition, offset, code, value }) => ({
    partition: Number(partition),
    offset: Number(offset),
    code: String(code),
    content: typeof value === 'string' ? digest(Buffer.from(value, 'base64')) : undefined,
  }))
}
