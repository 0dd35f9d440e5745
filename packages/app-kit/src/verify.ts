import { arrowSchemaOf, wireContract, type Contract } from '@sluice/schemas'
import { createCanonicalRow, diffLedger, hashRow, readLedger, type LedgerDiff, type Outcome } from '@sluice/generators'
import { openLake, type Lake } from './lake.ts'
import { rowValue } from './lake-rows.ts'
import type { AuditCode, AuditReport, LakeAudit } from '@sluice/ingest-core'
import { withDeadLetters } from './letter-places.ts'
import { tableContractsOf, type LakeApp } from './lake-app.ts'
import { readLakeState } from './lake-state.ts'

export interface Verification {
  /** Neither the audit nor the comparison found an error. */
  readonly ok: boolean
  readonly audit: AuditReport
  /** Dead letters and what was decided about them. */
  readonly letters: LakeAudit
  readonly diff: LedgerDiff
}

const damage: ReadonlySet<string> = new Set(['OBJECT_MISSING', 'OBJECT_CHANGED'] satisfies AuditCode[])

/**
 * Audits the commit chain, then holds the lake against the ledger of the simulator: every produced record below the sink's
 * progress is a row with the right content, a late row, a dead letter with the right code, or filtered; exactly once.
 * Rows that a replay of dead letters landed are beside the point: their records are dead letters in the ledger.
 */
export async function verifyLake(app: LakeApp, signal: AbortSignal, deep: boolean): Promise<Verification> {
  const { audit, files, reached } = await readLakeState(app, signal, deep)
  // Files the audit found missing or changed cannot be trusted or even opened: their records count as missing.
  const damaged = new Set(audit.findings.filter(({ code }) => damage.has(code)).map(({ key }) => key))
  const landed = files.filter(({ replayed, key }) => !replayed && !damaged.has(key))
  using lake = await openLake(app, landed, signal)
  const outcomes = outcomesOf(lake, app)
  const diff = await diffLedger({ ledger: readLedger(app.ledger), outcomes, reached })
  const letters = await withDeadLetters(app, signal, (dead) => dead.audit(signal))
  return { ok: audit.ok && letters.conserved && diff.differences.length === 0, audit, letters, diff }
}

/** Pure: text from figures. */
export function describeVerification({ audit, letters, diff }: Verification): string {
  const dead = (state: 'open' | 'landed' | 'discarded') =>
    count(Object.values(letters.topics).reduce((sum, topic) => sum + topic[state], 0))
  const count = (value: number): string => value.toLocaleString('en-US')
  const flushes = audit.partitions.reduce((sum, partition) => sum + partition.flushes, 0)
  const errors = audit.findings.filter(({ severity }) => severity === 'error').length
  return [
    `chain:  ${count(flushes)} commits in ${audit.partitions.length} partitions name ${count(audit.objects)} files; ${errors} errors`,
    ...audit.findings.map(({ severity, code, key, message }) => `        ${severity} ${code} ${key}: ${message}`),
    `dead letters: ${dead('open')} open, ${dead('landed')} landed by a replay, ${dead('discarded')} discarded; ${letters.conserved ? 'conserved' : 'NOT CONSERVED'}`,
    ...letters.damaged.map((key) => `        error ${key}: written by a replay, now missing or changed`),
    `ledger: ${count(diff.compared)} records compared, ${diff.differences.length} differences, ${count(diff.pending)} not ingested yet`,
    ...diff.differences.map(
      (each) => `        ${each.kind} ${each.topic} x ${count(each.count)}, first ${each.example}`,
    ),
    '',
  ].join('\n')
}

/** What became of each record, read from the files themselves: rows of both lanes, then dead letters. */
async function* outcomesOf(lake: Lake, app: LakeApp): AsyncGenerator<Outcome> {
  for (const contract of tableContractsOf(app)) {
    yield* rowsOf(lake, app, contract, contract.table, 'stored')
    yield* rowsOf(lake, app, contract, `late_${contract.table}`, 'late')
  }
  if (!lake.views.includes('dead_letters')) return
  const letters = await lake.connection.stream('select topic, "partition", "offset", code from dead_letters')
  for await (const rows of letters.yieldRows()) {
    for (const [topic, partition, offset, code] of rows) {
      yield {
        topic: String(topic),
        partition: Number(partition),
        offset: Number(offset),
        outcome: 'dead-letter',
        code: String(code),
        rowHash: null,
      }
    }
  }
}

async function* rowsOf(
  lake: Lake,
  { asSent = (row) => row }: LakeApp,
  contract: Contract,
  view: string,
  outcome: 'stored' | 'late',
): AsyncGenerator<Outcome> {
  if (!lake.views.includes(view)) return
  const { fields } = arrowSchemaOf(contract)
  const canonical = createCanonicalRow(wireContract(contract).schema)
  const columns = fields.map(({ name }) => `"${name}"`).join(', ')
  const result = await lake.connection.stream(`select _topic, _partition, _offset, ${columns} from "${view}"`)
  for await (const rows of result.yieldRows()) {
    for (const [topic, partition, offset, ...values] of rows) {
      const row = Object.fromEntries(fields.map(({ name, type }, i) => [name, rowValue(values[i], type)]))
      yield {
        topic: String(topic),
        partition: Number(partition),
        offset: Number(offset),
        outcome,
        code: null,
        rowHash: hashRow(canonical(asSent(row))),
      }
    }
  }
}
