import type { Column, ColumnBatch, DataType, Schema } from '@sluice/columnar'
import { formatHour } from '../layout/civil-time.ts'
import { LayoutError } from '../layout/errors.ts'
import { templateContext } from '../layout/layout.ts'
import { parseTemplate } from '../layout/path-template.ts'
import type { PathPart, PathTemplate } from '../layout/path-template.ts'
import { encodeValue, outOfRangeToken, unknownToken } from '../layout/segment.ts'
import { timesOf, unitsPerHour } from './event-times.ts'
import type { FlushSpec } from './flush-spec.ts'

export interface Route {
  readonly late: boolean
  /** Folder and beginning of the file name. */
  readonly path: string
}

/** Sends each row to its file: by lateness, and by the parts of the path that depend on the row. */
export interface RowRouter {
  readonly routes: readonly Route[]
  /** Greatest event time of the rows so far, in the unit of the event time. */
  readonly watermark: number | null
  /** Index into `routes` per row. */
  route(batch: ColumnBatch): Int32Array
}

/** One column that paths depend on. `codes` maps what was seen to small numbers, in order of appearance. */
interface Dimension {
  readonly column: number
  readonly kind: 'time' | 'value'
  readonly perHour: number
  readonly seen: Map<number | string, number>
  /** Hour since epoch, or text; null when missing. */
  readonly values: (number | string | null)[]
}

const UNKNOWN = -Infinity
const OUT_OF_RANGE = Infinity
/** Never equal to a text, which are seen with `=` before them. */
const NULL_VALUE = 'null'

/** @throws LayoutError LAYOUT_INVALID when a path needs a column that is not there or has no text form */
export function createRowRouter(spec: FlushSpec): RowRouter {
  const context = templateContext({ ...spec, name: spec.contract, topic: spec.partition.topic })
  const templates = {
    data: parseTemplate(spec.patterns.data, context),
    late: parseTemplate(spec.patterns.late, context),
  }
  const dimensions: Dimension[] = []
  const eventColumn = columnIndex(spec.columns, spec.eventTime)
  const eventPerHour = perHourOf(spec.columns, eventColumn, spec)
  const perMilli = eventPerHour / 3_600_000
  const lateness = spec.latenessMs * perMilli
  const min = spec.timeRange.min * perMilli
  const max = spec.timeRange.max * perMilli

  const dimensionOf = (part: PathPart): number => {
    if (part.kind !== 'time' && part.kind !== 'value') return -1
    const column = columnIndex(spec.columns, part.field)
    const at = dimensions.findIndex((each) => each.column === column && each.kind === part.kind)
    if (at >= 0) return at
    if (part.kind === 'value') requireText(spec.columns, column)
    const perHour = part.kind === 'time' ? perHourOf(spec.columns, column, spec) : 0
    dimensions.push({ column, kind: part.kind, perHour, seen: new Map(), values: [] })
    return dimensions.length - 1
  }
  const compile = ({ parts }: PathTemplate): readonly (PathPart & { readonly dimension: number })[] =>
    parts.map((part) => ({ ...part, dimension: dimensionOf(part) }))
  const compiled = { data: compile(templates.data), late: compile(templates.late) }

  /** Pairs of codes seen, one map per fold. */
  const pairs: Map<number, number>[] = []
  /** Codes of all dimensions, per combination. */
  const combinations: number[][] = []
  /** Combination * 2 + late to route; -1 when not met yet. */
  const routeOf: number[] = []
  const routes: Route[] = []
  const routeByPath = new Map<string, number>()
  let watermark = spec.watermark ?? -Infinity
  /** Event times of the batch at hand. */
  let scratch = new Float64Array()

  function render(parts: typeof compiled.data, codes: readonly number[]): string {
    let path = ''
    for (const part of parts) {
      if (part.kind === 'text') path += part.text
      else if (part.kind === 'ingest') path += formatHour(Math.floor(spec.ingestedAt / 3_600_000), part.format)
      else {
        const value = dimensions[part.dimension]!.values[codes[part.dimension]!]!
        if (part.kind === 'value') path += encodeValue(value as string | null)
        else if (value === UNKNOWN) path += unknownToken
        else if (value === OUT_OF_RANGE) path += outOfRangeToken
        else path += formatHour(value as number, part.format)
      }
    }
    return path
  }

  function newRoute(combination: number, late: boolean): number {
    const path = render(late ? compiled.late : compiled.data, combinations[combination]!)
    const name = `${late ? 'l' : 'd'}${path}`
    let route = routeByPath.get(name)
    if (route === undefined) {
      route = routes.length
      routes.push({ late, path })
      routeByPath.set(name, route)
    }
    routeOf[combination * 2 + (late ? 1 : 0)] = route
    return route
  }

  /** Codes of all dimensions folded into one number per row. */
  function combine(batch: ColumnBatch, times: Float64Array): Int32Array {
    const { length } = batch
    if (dimensions.length === 0) {
      combinations[0] ??= []
      return new Int32Array(length)
    }
    const columns = dimensions.map((dimension) => {
      const column = batch.columns[dimension.column]!
      if (dimension.kind === 'value') return codesOfValues(dimension, column)
      return codesOfHours(dimension, dimension.column === eventColumn ? times : timesOf(column), spec)
    })
    const combined = columns[0]!
    if (columns.length === 1) {
      for (let code = combinations.length; code < dimensions[0]!.values.length; code++) combinations.push([code])
      return combined
    }
    for (let row = 0; row < length; row++) {
      const first = combined[row]!
      let code = first
      for (let at = 1; at < columns.length; at++) {
        const map = (pairs[at] ??= new Map<number, number>())
        const pair = code * 0x8000000 + columns[at]![row]!
        let next = map.get(pair)
        if (next === undefined) map.set(pair, (next = map.size))
        code = next
      }
      if (code === combinations.length) combinations.push(columns.map((each, at) => (at === 0 ? first : each[row]!)))
      combined[row] = code
    }
    return combined
  }

  return {
    routes,
    get watermark() {
      return watermark === -Infinity ? null : watermark
    },
    route(batch) {
      if (scratch.length < batch.length) scratch = new Float64Array(batch.length + (batch.length >> 1))
      const times = timesOf(batch.columns[eventColumn]!, scratch.subarray(0, batch.length))
      const out = combine(batch, times)
      for (let row = 0; row < out.length; row++) {
        const time = times[row]!
        let late = 0
        // A missing time is NaN: no comparison holds, so it is not late and moves nothing.
        if (time < watermark - lateness) late = 1
        else if (time > watermark && time >= min && time < max) watermark = time
        const combination = out[row]!
        out[row] = routeOf[combination * 2 + late] ?? newRoute(combination, late === 1)
      }
      return out
    },
  }
}

function codesOfHours(dimension: Dimension, times: Float64Array, spec: FlushSpec): Int32Array {
  const { perHour, seen, values } = dimension
  const min = (spec.timeRange.min / 3_600_000) * perHour
  const max = (spec.timeRange.max / 3_600_000) * perHour
  const codes = new Int32Array(times.length)
  let lastHour = Number.NaN
  let lastCode = 0
  for (let row = 0; row < times.length; row++) {
    const time = times[row]!
    const hour = time >= min && time < max ? Math.floor(time / perHour) : Number.isNaN(time) ? UNKNOWN : OUT_OF_RANGE
    if (hour !== lastHour) {
      let code = seen.get(hour)
      if (code === undefined) {
        seen.set(hour, (code = values.length))
        values.push(hour)
      }
      lastHour = hour
      lastCode = code
    }
    codes[row] = lastCode
  }
  return codes
}

function codesOfValues(dimension: Dimension, column: Column): Int32Array {
  const { seen, values } = dimension
  const codes = new Int32Array(column.length)
  const textAt = textReader(column)
  for (let row = 0; row < codes.length; row++) {
    const isNull = column.validity !== undefined && !(column.validity[row >> 3]! & (1 << (row & 7)))
    const value = isNull ? null : textAt(row)
    const name = value === null ? NULL_VALUE : `=${value}`
    let code = seen.get(name)
    if (code === undefined) {
      seen.set(name, (code = values.length))
      values.push(value)
    }
    codes[row] = code
  }
  return codes
}

const textKinds: ReadonlySet<DataType['kind']> = new Set(['utf8', 'enum', 'int32', 'int64', 'boolean', 'date', 'uuid'])

function requireText(columns: Schema, index: number): void {
  const { name, type } = columns.fields[index]!
  if (textKinds.has(type.kind)) return
  throw new LayoutError(
    'LAYOUT_INVALID',
    `field ${name} of type ${type.kind} cannot be a folder; take one of ${[...textKinds].join(', ')}`,
  )
}

function textReader(column: Column): (row: number) => string {
  const { type, values, offsets } = column
  switch (type.kind) {
    case 'utf8': {
      const bytes = values as Uint8Array
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      return (row) => buffer.toString('utf8', offsets![row]!, offsets![row + 1]!)
    }
    case 'enum':
      return (row) => type.symbols[(values as Int32Array)[row]!]!
    case 'boolean':
      return (row) => String(((values as Uint8Array)[row >> 3]! & (1 << (row & 7))) !== 0)
    case 'date':
      return (row) => formatHour((values as Int32Array)[row]! * 24, 'date')
    case 'uuid': {
      const bytes = values as Uint8Array
      return (row) =>
        Buffer.from(bytes.buffer, bytes.byteOffset + 16 * row, 16)
          .toString('hex')
          .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    }
    default:
      return (row) => String((values as Int32Array | BigInt64Array)[row])
  }
}

function perHourOf(columns: Schema, index: number, spec: FlushSpec): number {
  const { name, type } = columns.fields[index]!
  const units = unitsPerHour(type, spec.eventTimeUnit)
  if (units !== undefined) return units
  throw new LayoutError('LAYOUT_INVALID', `field ${name} of type ${type.kind} is not a time`)
}

function columnIndex(columns: Schema, name: string): number {
  const index = columns.fields.findIndex((field) => field.name === name)
  if (index >= 0) return index
  throw new LayoutError('LAYOUT_INVALID', `the path needs the field ${name}, which the table does not have`)
}
