import type { LedgerEntry } from '@sluice/generators'

/** What must become of one produced record. */
export interface TruthRecord {
  readonly partition: number
  readonly offset: number
  readonly expect: 'stored' | 'late' | 'dead-letter' | 'filtered'
  /** Of a dead letter. */
  readonly code?: string
  /** Of a row, as `hashRow` has it. */
  readonly rowHash?: string
  /** Of the value that was produced; undefined for a null value. */
  readonly valueSha256: string | undefined
  /** A second delivery of a record that was produced before. */
  readonly duplicate: boolean
}

/** From the simulator's ledger; `digests` are of the values, by `partition@offset`. Null values are skipped by the contract here. */
export function truthOf(
  entries: readonly LedgerEntry[],
  digests: ReadonlyMap<string, string | undefined>,
): TruthRecord[] {
  return entries.map(({ partition, offset, expect, code, rowHash, duplicateOf }) => {
    const valueSha256 = digests.get(`${partition}@${offset}`)
    const common = { partition, offset, valueSha256, duplicate: duplicateOf !== undefined }
    if (valueSha256 === undefined) return { ...common, expect: 'filtered' }
    return { ...common, expect, ...(code !== undefined && { code }), ...(rowHash !== undefined && { rowHash }) }
  })
}
