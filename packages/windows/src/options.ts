import { WindowError } from './errors.ts'

/** `count` counts rows; the others take a number column and leave its nulls out. */
export type Aggregate =
  'count' | { readonly sum: string } | { readonly mean: string } | { readonly min: string } | { readonly max: string }

export interface WindowOptions {
  /** Length of a window, ms; windows begin at whole multiples since epoch. */
  readonly sizeMs: number
  /** How far behind the newest event time of its source a row may be. Its window stays open that long. */
  readonly latenessMs: number
  /** Column of the event time: a timestamp, or an int64 of milliseconds since epoch. */
  readonly time: string
  /** Columns whose values make the groups of a window. Enum, utf8, boolean, int32 or date; null is a value of its own. */
  readonly groupBy?: readonly string[]
  /** Only rows whose column has one of these values. Enum or utf8. */
  readonly where?: { readonly column: string; readonly oneOf: readonly string[] }
  readonly aggregates: Readonly<Record<string, Aggregate>>
  /** Event times outside `[min, max)`, ms, are counted and left out: one wild clock must not close every window. Default 1990 to 2200. */
  readonly timeRange?: { readonly min: number; readonly max: number }
  /** Groups of open windows in all. Default 1,000,000. */
  readonly maxCells?: number
}

export const windowDefaults = {
  timeRange: { min: 631_152_000_000, max: 7_258_118_400_000 },
  maxCells: 1_000_000,
} as const

/** @throws WindowError WINDOW_OPTIONS_INVALID */
export function checkOptions(
  options: WindowOptions,
): Required<Omit<WindowOptions, 'where'>> & Pick<WindowOptions, 'where'> {
  const { sizeMs, latenessMs, aggregates, groupBy = [] } = options
  const { timeRange, maxCells } = { ...windowDefaults, ...options }
  const invalid = (text: string): WindowError => new WindowError('WINDOW_OPTIONS_INVALID', text)
  if (!Number.isSafeInteger(sizeMs) || sizeMs <= 0) throw invalid('sizeMs must be a whole number above 0')
  if (!Number.isFinite(latenessMs) || latenessMs < 0) throw invalid('latenessMs must be 0 or more')
  if (!(maxCells > 0)) throw invalid('maxCells must be above 0')
  if (!(timeRange.min < timeRange.max)) throw invalid('timeRange.min must be below timeRange.max')
  if (Object.keys(aggregates).length === 0) throw invalid('aggregates: name at least one')
  for (const name of Object.keys(aggregates)) {
    if (groupBy.includes(name)) throw invalid(`${name} is both a group column and an aggregate`)
  }
  return Object.freeze({ ...options, groupBy: [...groupBy], timeRange, maxCells })
}
