import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { openLakeFiles } from '@sluice/app-kit'
import { renderTable, type Command } from '@sluice/runtime'
import { quoteIdentifier } from '@sluice/schemas'
import type { SqlConnector } from '@sluice/sink-postgres'
import { withWarehouse } from '../parts/warehouse.ts'
import { addDomain, type DomainContext, type DomainEnvironment } from '../warehouse/domain-commands.ts'
import { JobError } from '../warehouse/errors.ts'
import { inTransaction } from '../warehouse/run-sql.ts'
import { postToSlack } from '../warehouse/slack.ts'
import { openAnalytics } from './analytics-app.ts'
import { alertText, runDaily, type DailyReport } from './daily.ts'
import { eventSilver, refreshEvents } from './silver.ts'

interface DailyFlags {
  readonly asOf?: string
  readonly report?: string
}

/** `now`, `newest` (just after the newest event: for simulated time), or a time. */
async function asOfTime(text: string, connector: SqlConnector, schema: string, signal: AbortSignal): Promise<Date> {
  if (text === 'now') return new Date()
  if (text !== 'newest') {
    const time = new Date(text)
    if (Number.isNaN(time.getTime())) throw new TypeError(`--as-of is ${text}; it is now, newest or a time`)
    return time
  }
  const { rows } = await inTransaction(connector, signal, (session) =>
    session.query(
      `SELECT floor(extract(epoch FROM max(occurred_at)) * 1000)::text AS ms FROM ${quoteIdentifier(schema)}.events`,
    ),
  )
  const ms = rows[0]?.['ms']
  return ms === null || ms === undefined ? new Date() : new Date(Number(ms) + 1)
}

async function daily(
  { app, config, signal, print, log }: DomainContext,
  { asOf = 'now', report: file }: DailyFlags,
): Promise<void> {
  const report = await withWarehouse(app.config, async (connector) => {
    const time = await asOfTime(asOf, connector, app.schema, signal)
    return runDaily({ connector, schema: app.schema, asOf: time, signal })
  })
  if (file !== undefined) {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, `${JSON.stringify(report, null, 2)}\n`)
  }
  print(describeDaily(report))
  const { slackWebhook } = config.alerts
  if (report.alerts.length > 0 && slackWebhook !== undefined) {
    await postToSlack(slackWebhook.reveal(), alertText(report), signal)
    log.info({ alerts: report.alerts.length }, 'alert sent')
  }
  if (!report.ok) throw new JobError('DAILY_FAILED', `${report.alerts.length} problems`)
}

/** Pure: text from figures. */
export function describeDaily(report: DailyReport): string {
  const steps = renderTable(
    [
      { title: 'step', value: ({ step }) => step },
      { title: 'outcome', value: ({ outcome }) => outcome },
      { title: 'ms', value: ({ ms }) => ms },
      { title: 'problem', value: ({ problem }) => problem ?? '' },
    ],
    report.steps,
  )
  const quality = renderTable(
    [
      { title: 'quality check', value: ({ name }) => name },
      { title: 'measured', value: ({ measured }) => measured ?? '' },
      { title: 'limit', value: ({ threshold }) => threshold },
      { title: 'outcome', value: ({ outcome }) => outcome },
      { title: 'detail', value: ({ detail }) => detail },
    ],
    report.quality,
  )
  const { facts, corrected } = report.loaded
  return `daily job as of ${report.asOf}: ${facts} facts loaded, ${corrected} corrected\n${steps}\n\n${quality}\n`
}

/** Events by copies of a key: the first record stands, in the warehouse for ever, in silver within the watermark. */
const firstRecord = '_offset, _partition'

/** `on-prem analytics ...` */
export function addAnalytics(program: Command, env: DomainEnvironment): void {
  addDomain(
    program,
    {
      name: 'analytics',
      description: 'event analytics: bronze, silver with sessions, a star with history, daily quality',
      commitEveryMs: 60_000,
      open: openAnalytics,
      async silver(app, signal) {
        const store = await app.openStore(signal)
        try {
          return await refreshEvents({ store, files: openLakeFiles(app, store), sinkId: app.sinkId }, signal)
        } finally {
          await store.close()
        }
      },
      silverRule: { table: eventSilver, key: 'idempotency_key', order: firstRecord, late: false },
      // A dead letter that landed late found the first copy there already.
      warehouseRule: { key: 'idempotency_key', order: `_replayed_at nulls first, ${firstRecord}` },
      addJobs(parent, add) {
        add(
          parent,
          'daily',
          'load the star, build marts, test them, measure quality; for 02:00 UTC',
          (context, flags) => daily(context, flags as DailyFlags),
        )
          .option('--as-of <time>', 'now, newest or a time: what freshness and inactivity are measured against', 'now')
          .option('--report <file>', 'write the JSON report here')
      },
      async demoJob(context) {
        try {
          await daily(context, { asOf: 'newest' })
        } catch (error) {
          // Simulated faults are more than quality allows: the demo shows that it is noticed, and goes on.
          if (!(error instanceof JobError)) throw error
          context.print(`${error.message}\n`)
        }
      },
    },
    env,
  )
}
