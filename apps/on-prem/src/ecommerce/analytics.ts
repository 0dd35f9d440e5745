import type { CommandContext } from '@sluice/app-kit'
import type { PartitionId } from '@sluice/ingest-core'
import { renderTable } from '@sluice/runtime'
import type { GroupTotal } from '@sluice/windows'
import type { OnPremConfig } from '../config.ts'
import { readAll } from '../parts/read-all.ts'
import { versionOf } from './schema-versions.ts'
import { createShopAnalytics, shopWindowNames, type ShopTotals, type ShopWindow } from './shop-analytics.ts'
import { userEvent, type ShopApp } from './shop-app.ts'

export interface AnalyticsOptions {
  readonly follow: boolean
  /** One JSON line per window that is over, instead of tables. */
  readonly json: boolean
  /** When following: a partition that is silent for this long holds no window open, ms. */
  readonly idleMs: number
}

const shownWindows = 5

/** Reads the topic from its start and prints totals and windows; with `follow`, windows as they end, until stopped. */
export async function analyse(
  context: CommandContext<OnPremConfig, ShopApp>,
  options: AnalyticsOptions,
): Promise<void> {
  const { app, config, log, signal, print } = context
  const { follow, json, idleMs } = options
  const kept = new Map<string, ShopWindow[]>(shopWindowNames.map((name) => [name, []]))
  const analytics = createShopAnalytics(userEvent.latenessMs, (window) => {
    if (json || follow) print(`${JSON.stringify(lineOf(window))}\n`)
    const last = kept.get(window.window)!
    last.push(window)
    if (last.length > shownWindows) last.shift()
  })
  const spoken = new Map<string, { readonly partition: PartitionId; at: number }>()
  const watch = setInterval(() => {
    for (const [name, { partition, at }] of spoken) {
      if (Date.now() - at < idleMs) continue
      analytics.idle(partition)
      spoken.delete(name)
    }
  }, 1000)
  if (!follow) clearInterval(watch)
  try {
    await readAll({
      app,
      workers: config.ingest.workers,
      budgetBytes: config.ingest.budget,
      follow,
      log,
      signal,
      onOpen(partition) {
        analytics.expect(partition)
        spoken.set(String(partition.partition), { partition, at: Date.now() })
      },
      onBatch(batch) {
        spoken.set(String(batch.partition.partition), { partition: batch.partition, at: Date.now() })
        analytics.add(batch)
      },
    })
  } finally {
    clearInterval(watch)
  }
  // Stopped while following, windows that are not over have no result yet; at the end of the log all there is has come.
  if (!follow) analytics.close()
  const totals = analytics.totals()
  if (json) print(`${JSON.stringify({ totals })}\n`)
  else print(describeTotals(totals, await schemaNames(context, totals)) + (follow ? '' : describeWindows(kept)))
}

const lineOf = ({ window, start, end, group, values }: ShopWindow) => ({
  window,
  start: new Date(start).toISOString(),
  end: new Date(end).toISOString(),
  ...group,
  ...values,
})

/** What the ids of the records stand for. */
async function schemaNames(
  { app, signal }: CommandContext<OnPremConfig, ShopApp>,
  { bySchema }: ShopTotals,
): Promise<ReadonlyMap<number, string>> {
  const names = new Map<number, string>()
  const { registry, close } = app.openRegistry()
  try {
    for (const { group } of bySchema) {
      const id = Number(group['_schema_id'])
      const known = await registry.getById(id, signal)
      const version = known === undefined ? undefined : versionOf(userEvent, known.schema)
      names.set(id, version === undefined ? `schema id ${id}` : `v${version} (schema id ${id})`)
    }
  } finally {
    await close()
  }
  return names
}

/** Pure: text from figures. */
export function describeTotals(totals: ShopTotals, schemas: ReadonlyMap<number, string>): string {
  const counts = (
    title: string,
    column: string,
    groups: readonly GroupTotal[],
    label = (value: unknown) => String(value ?? '(none)'),
  ) =>
    renderTable(
      [
        { title, value: ({ group }) => label(group[column]) },
        { title: 'events', value: ({ values }) => values['events'] ?? 0 },
      ],
      groups,
    )
  const number = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 2 })
  const { windowed, conversion } = totals
  return [
    `${number(totals.records)} records, ${number(totals.refused)} refused`,
    counts('written with', '_schema_id', totals.bySchema, (id) => schemas.get(Number(id)) ?? String(id)),
    counts('event type', 'event_type', totals.byType),
    counts('device', 'device_type', totals.byDevice),
    counts('country', 'country', totals.byCountry),
    `purchases per item put in a cart: ${conversion === null ? 'none yet' : `${(100 * conversion).toFixed(1)} %`}`,
    `revenue: ${number(totals.revenue)} INR`,
    `windows: ${number(windowed.rows - windowed.late - windowed.untimed)} rows, ${number(windowed.late)} too late for theirs`,
    '',
  ].join('\n')
}

function describeWindows(kept: ReadonlyMap<string, readonly ShopWindow[]>): string {
  return [...kept]
    .filter(([, windows]) => windows.length > 0)
    .map(([name, windows]) => {
      const columns = Object.keys(windows[0]!.group).concat(Object.keys(windows[0]!.values))
      const table = renderTable(
        [
          { title: 'window from', value: ({ start }: ShopWindow) => new Date(start).toISOString() },
          ...columns.map((title) => ({
            title,
            value: ({ group, values }: ShopWindow) => cellOf(title in group ? group[title] : values[title]),
          })),
        ],
        windows,
      )
      return `${name}, the last ${windows.length}\n${table}\n`
    })
    .join('')
}

function cellOf(value: unknown): string | number {
  if (typeof value === 'number') return Math.round(value * 100) / 100
  return value === null || value === undefined ? '(none)' : String(value)
}
