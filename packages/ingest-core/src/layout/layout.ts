import type { Contract } from '@sluice/schemas'
import { LayoutError } from './errors.ts'
import { fixedFolder, parseTemplate } from './path-template.ts'
import type { TemplateContext } from './path-template.ts'

/** Path patterns of the three kinds of file; see `PathTemplate` for the language. */
export interface LayoutPatterns {
  readonly data: string
  readonly late: string
  readonly dead: string
}

/**
 * The layouts that SPEC names. `lake` is the default. Late rows lie by the day they came: a flush adds one late file at most, however
 * far its late rows reach back. By their own folders, 1 % of late rows would nearly double the number of files.
 */
export const layouts = {
  lake: {
    data: '{table}/{partitions}/',
    late: 'late/{table}/ingest_date={ingest_date}/',
    dead: 'dead-letter-queue/{topic}/date={ingest_date}/',
  },
  /** `raw/<topic>/batch_id=…/date=…/hour=…/`, from the partition fields of the contract. */
  raw: {
    data: 'raw/{topic}/{partitions}/',
    late: 'late/{topic}/ingest_date={ingest_date}/',
    dead: 'dead-letter-queue/{topic}/date={ingest_date}/',
  },
  /** `<topic>/<date>/<topic>-<date>-<hour>+…`. */
  hourly: {
    data: '{topic}/{date}/{topic}-{date}-{hour}',
    late: 'late/{topic}/{ingest_date}/{topic}-{ingest_date}',
    dead: 'dead-letter-queue/{topic}/date={ingest_date}/',
  },
} as const satisfies Record<string, LayoutPatterns>

/** Folder of the commit chain; no pattern may lead into it. */
export const chainFolder = '_ingest/'

export interface TableLayout {
  readonly contract: Pick<Contract, 'name' | 'topic' | 'table' | 'eventTime' | 'partitionBy'>
  readonly patterns: LayoutPatterns
}

export function templateContext(contract: TableLayout['contract']): TemplateContext {
  return {
    table: contract.table,
    topic: contract.topic,
    eventTime: contract.eventTime,
    partitionBy: contract.partitionBy,
  }
}

/**
 * Refuses layouts in which files of two tables, or of two kinds, would lie in one folder (RELIABILITY input 41). Names
 * are compared without case and with `.` as `_`: what differs only so is one place to some file system or reader.
 * @throws LayoutError LAYOUT_INVALID, LAYOUT_CONFLICT naming both
 */
export function checkLayouts(tables: readonly TableLayout[]): void {
  const places: { readonly folder: string; readonly owner: string; readonly topic: string; readonly kind: string }[] =
    []
  for (const { contract, patterns } of tables) {
    const context = templateContext(contract)
    for (const kind of ['data', 'late', 'dead'] as const) {
      const template = parseTemplate(patterns[kind], context)
      const perRow = template.parts.find((part) => part.kind === 'time' || part.kind === 'value')
      if (kind === 'dead' && perRow !== undefined) {
        throw new LayoutError(
          'LAYOUT_INVALID',
          `path pattern "${patterns.dead}": dead letters have no fields to take paths from`,
        )
      }
      const folder = folded(fixedFolder(template))
      if (folder.startsWith(chainFolder)) {
        throw new LayoutError(
          'LAYOUT_CONFLICT',
          `topic ${contract.topic}: ${kind} files would lie in ${chainFolder}, which is the sink's`,
        )
      }
      places.push({ folder, owner: `topic ${contract.topic} (${kind})`, topic: contract.topic, kind })
    }
  }
  for (let a = 0; a < places.length; a++) {
    for (let b = a + 1; b < places.length; b++) refuseOverlap(places[a]!, places[b]!)
  }
}

function refuseOverlap(
  a: { readonly folder: string; readonly owner: string },
  b: { readonly folder: string; readonly owner: string },
): void {
  if (!a.folder.startsWith(b.folder) && !b.folder.startsWith(a.folder)) return
  throw new LayoutError(
    'LAYOUT_CONFLICT',
    `${a.owner} and ${b.owner} would share the folder "${a.folder.length < b.folder.length ? b.folder : a.folder}"; ` +
      'give them different tables or path patterns',
  )
}

function folded(folder: string): string {
  return folder.toLowerCase().replaceAll('.', '_')
}
