import type { PartitionField } from '@sluice/schemas'
import type { TimeFormat } from './civil-time.ts'
import { LayoutError } from './errors.ts'
import { encodeSegment, maxSegmentBytes } from './segment.ts'

/**
 * Path patterns. Literals are `[A-Za-z0-9_.~=-]`; segments are divided by `/`. Places:
 *
 * | place | stands for |
 * | --- | --- |
 * | `{table}`, `{topic}` | names, encoded |
 * | `{partitions}` | a whole segment: the contract's `partitionBy` as `name=value` folders |
 * | `{date}`, `{year}`, `{month}`, `{day}`, `{hour}` | event time, UTC: `2026-11-21`, `2026`, `11`, `21`, `05` |
 * | `{date:field}` and so on | the same of another time field |
 * | `{value:field}` | a field's value, encoded |
 * | `{ingest_date}`, `{ingest_hour}` | time of the flush; the same for all its files |
 *
 * A pattern that ends in `/` names a folder and files are called after the topic; otherwise the last segment is the
 * beginning of the file name. `+<partition>+<start>-<end>.<extension>` always follows, which makes every name unique.
 */
export interface PathTemplate {
  /** Parts in order, joined without separators; `/` is a literal. */
  readonly parts: readonly PathPart[]
}

export type PathPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'time'; readonly field: string; readonly format: TimeFormat }
  | { readonly kind: 'value'; readonly field: string }
  | { readonly kind: 'ingest'; readonly format: TimeFormat }

export interface TemplateContext {
  readonly table: string
  readonly topic: string
  readonly eventTime: string
  readonly partitionBy: readonly PartitionField[]
}

const place = /\{([a-z_]+)(?::([^{}]*))?\}/g
const literal = /^[A-Za-z0-9_.~=/-]*$/
const timeFormats: Readonly<Record<string, TimeFormat>> = {
  date: 'date',
  year: 'year',
  month: 'month',
  day: 'day',
  hour: 'hour',
}

/** @throws LayoutError LAYOUT_INVALID */
export function parseTemplate(pattern: string, context: TemplateContext): PathTemplate {
  checkShape(pattern)
  const parts: PathPart[] = []
  const text = (value: string): void => {
    const last = parts.at(-1)
    if (last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + value }
    else if (value !== '') parts.push({ kind: 'text', text: value })
  }
  const full = pattern.endsWith('/') ? `${pattern}{topic}` : pattern
  let at = 0
  for (const match of full.matchAll(place)) {
    text(checkLiteral(full.slice(at, match.index), pattern))
    at = match.index + match[0].length
    const [, name, field] = match
    if (name === 'partitions') {
      const alone = (full[match.index - 1] ?? '/') === '/' && full[at] === '/'
      if (!alone) throw invalid(pattern, '{partitions} must be a folder of its own')
      // A table without partition fields has no such folder.
      if (context.partitionBy.length === 0) at += 1
      else addPartitions(context.partitionBy, text, parts)
    } else if (name === 'table' || name === 'topic') text(encodeSegment(context[name]))
    else if (name === 'value' && field !== undefined && field !== '') parts.push({ kind: 'value', field })
    else if (name === 'ingest_date' && field === undefined) parts.push({ kind: 'ingest', format: 'date' })
    else if (name === 'ingest_hour' && field === undefined) parts.push({ kind: 'ingest', format: 'hour' })
    else if (name !== undefined && Object.hasOwn(timeFormats, name) && field !== '') {
      parts.push({ kind: 'time', field: field ?? context.eventTime, format: timeFormats[name]! })
    } else throw invalid(pattern, `${match[0]} is not known`)
  }
  text(checkLiteral(full.slice(at), pattern))
  checkLengths(parts, pattern)
  return { parts }
}

/** Longest a path segment can be in every store, and what `+<partition>+<start>-<end>.<extension>` adds at most. */
const maxPathSegment = 255
const suffixBytes = 56

/** The longest values must fit, too: a name that is too long would be found only when such a row arrives. */
function checkLengths(parts: readonly PathPart[], pattern: string): void {
  const longest = parts
    .map((part) => {
      if (part.kind === 'text') return part.text
      return '*'.repeat(part.kind === 'value' ? maxSegmentBytes : '2026-11-21-05'.length)
    })
    .join('')
    .split('/')
  longest.forEach((segment, i) => {
    const bytes = segment.length + (i === longest.length - 1 ? suffixBytes : 0)
    if (bytes > maxPathSegment) {
      throw invalid(pattern, `a segment could become ${bytes} bytes long; stores take ${maxPathSegment}`)
    }
  })
}

/** Path up to the first part that differs between rows or flushes: the place that belongs to the table alone. */
export function fixedFolder(template: PathTemplate): string {
  let fixed = ''
  for (const part of template.parts) {
    if (part.kind !== 'text') break
    fixed += part.text
  }
  return fixed.slice(0, fixed.lastIndexOf('/') + 1)
}

/** `name=value` folders; each time says only what the folders before it have not said: `year=2026/month=11/day=21`. */
function addPartitions(partitionBy: readonly PartitionField[], text: (value: string) => void, parts: PathPart[]): void {
  const said = new Map<string, Set<string>>()
  partitionBy.forEach((partition, index) => {
    const { field, transform } = partition
    text(`${index === 0 ? '' : '/'}${encodeSegment(partition.as)}=`)
    if (transform === 'value') {
      parts.push({ kind: 'value', field })
      return
    }
    const before = said.get(field) ?? new Set<string>()
    said.set(field, before.add(transform))
    parts.push({ kind: 'time', field, format: formatOf(transform, before) })
  })
}

function formatOf(transform: 'year' | 'month' | 'day' | 'hour', before: ReadonlySet<string>): TimeFormat {
  if (transform === 'year') return 'year'
  if (transform === 'month') return before.has('year') ? 'month' : 'year-month'
  if (transform === 'day') return before.has('month') ? 'day' : 'date'
  return before.has('day') ? 'hour' : 'date-hour'
}

function checkShape(pattern: string): void {
  if (pattern === '') throw invalid(pattern, 'it is empty')
  if (pattern.startsWith('/')) throw invalid(pattern, 'it begins with /')
  const segments = pattern.split('/')
  if (pattern.endsWith('/')) segments.pop()
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..') throw invalid(pattern, `it has the segment "${segment}"`)
  }
}

function checkLiteral(text: string, pattern: string): string {
  if (!literal.test(text)) throw invalid(pattern, `"${text}" has characters outside [A-Za-z0-9_.~=-]`)
  return text
}

function invalid(pattern: string, why: string): LayoutError {
  return new LayoutError('LAYOUT_INVALID', `path pattern "${pattern}": ${why}; see the layout table of the README`)
}
