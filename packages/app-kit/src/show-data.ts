import { formatBytes, renderTable } from '@sluice/runtime'
import type { Contract } from '@sluice/schemas'
import type { LakeFile } from './lake.ts'

/** Totals of one topic, from the commit chain and, for what is in flight, the log. */
export interface TopicTotals {
  readonly topic: string
  readonly consumed: number
  readonly stored: number
  readonly late: number
  readonly duplicate: number
  readonly filtered: number
  readonly deadLettered: number
  /** In the log, beyond the sink's progress. */
  readonly inFlight: number
}

interface TableLine {
  readonly name: string
  readonly rows: number
  readonly files: number
  readonly bytes: number
}

/** What landed: rows, files and bytes per table, and the conservation equation per topic. Pure: text from figures. */
export function describeLake(
  contracts: readonly Contract[],
  files: readonly LakeFile[],
  totals: readonly TopicTotals[],
): string {
  const lines: TableLine[] = []
  for (const { topic, table } of contracts) {
    lines.push(
      lineOf(
        table,
        files.filter((file) => file.kind === 'data' && file.topic === topic),
      ),
    )
    const late = files.filter((file) => file.kind === 'late' && file.topic === topic)
    if (late.length > 0) lines.push(lineOf(`late_${table}`, late))
  }
  lines.push(
    lineOf(
      'dead_letters',
      files.filter(({ kind }) => kind === 'dead'),
    ),
  )
  const tables = renderTable(
    [
      { title: 'table', value: ({ name }) => name },
      { title: 'rows', value: ({ rows }) => rows },
      { title: 'files', value: (line) => line.files },
      { title: 'size', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
    ],
    lines,
  )
  const all = sumTotals(totals)
  const equation = renderTable(
    [
      { title: 'topic', value: ({ topic }) => topic },
      { title: 'consumed', value: ({ consumed }) => consumed },
      { title: '= stored', value: ({ stored }) => stored },
      { title: '+ late', value: ({ late }) => late },
      { title: '+ duplicate', value: ({ duplicate }) => duplicate },
      { title: '+ filtered', value: ({ filtered }) => filtered },
      { title: '+ dead-lettered', value: ({ deadLettered }) => deadLettered },
      { title: '+ in flight', value: ({ inFlight }) => inFlight },
      { title: 'holds', value: (line) => (holds(line) ? 'yes' : 'NO') },
    ],
    [...totals, all],
  )
  return `${tables}\n${equation}\n`
}

/** consumed = stored + late + duplicate + filtered + dead-lettered + in flight */
export function holds(totals: TopicTotals): boolean {
  const { stored, late, duplicate, filtered, deadLettered, inFlight } = totals
  return totals.consumed === stored + late + duplicate + filtered + deadLettered + inFlight
}

function sumTotals(totals: readonly TopicTotals[]): TopicTotals {
  const sum = (pick: (line: TopicTotals) => number) => totals.reduce((total, line) => total + pick(line), 0)
  return {
    topic: 'all',
    consumed: sum(({ consumed }) => consumed),
    stored: sum(({ stored }) => stored),
    late: sum(({ late }) => late),
    duplicate: sum(({ duplicate }) => duplicate),
    filtered: sum(({ filtered }) => filtered),
    deadLettered: sum(({ deadLettered }) => deadLettered),
    inFlight: sum(({ inFlight }) => inFlight),
  }
}

function lineOf(name: string, files: readonly LakeFile[]): TableLine {
  return {
    name,
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}
