import { getContract } from '@sluice/schemas'
import type { PartitionField } from '@sluice/schemas'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { civilOfHour, formatHour } from '../src/layout/civil-time.ts'
import { LayoutError, layoutErrors } from '../src/layout/errors.ts'
import { checkLayouts, layouts, templateContext } from '../src/layout/layout.ts'
import { fixedFolder, parseTemplate } from '../src/layout/path-template.ts'
import { decodeValue, encodeSegment, encodeValue, maxSegmentBytes, nullToken } from '../src/layout/segment.ts'
import { checkObjectKey } from '../src/stores/object-key.ts'

const seed = 20261121

describe('path segments (input 24)', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc
      .array(fc.constantFrom('/', '..', '.', '=', '%', '\n', '_', '\ud800', '\udc00', 'é', '😀', '+', 'a'), {
        maxLength: 12,
      })
      .map((parts) => parts.join('')),
  )

  it.each([
    ['a b', 'a%20b'],
    ['a/b', 'a%2Fb'],
    ['..', '%2E%2E'],
    ['.', '%2E'],
    ['...', '...'],
    ['k=v', 'k%3Dv'],
    ['100%', '100%25'],
    ['two\nlines', 'two%0Alines'],
    ['é', '%C3%A9'],
    ['😀', '%F0%9F%98%80'],
    ['\0', '%00'],
    ['', '__EMPTY__'],
    ['__EMPTY__', '%5F_EMPTY__'],
    ['_unknown', '%5Funknown'],
    [nullToken, '%5F_HIVE_DEFAULT_PARTITION__'],
    ['STORE-001', 'STORE-001'],
  ])('encodes %j as %s, and back', (text, segment) => {
    expect(encodeSegment(text)).toBe(segment)
    expect(decodeValue(segment)).toBe(text)
  })

  it('tells null from the empty text and from its own token', () => {
    const segments = [null, '', nullToken, '__EMPTY__'].map(encodeValue)
    expect(new Set(segments).size).toBe(4)
    expect(decodeValue(encodeValue(null))).toBeNull()
  })

  it('decodes what it encodes, whatever the text', () => {
    const roundTrip = fc.property(anyText, (text) => {
      const segment = encodeSegment(text)
      expect(segment.length).toBeLessThanOrEqual(maxSegmentBytes)
      if (!segment.includes('+')) expect(decodeValue(segment)).toBe(text)
    })
    fc.assert(roundTrip, { seed, numRuns: 3000 })
  })

  it('gives different texts different segments, cut ones too, and only names every store takes', () => {
    const distinct = fc.property(fc.uniqueArray(anyText, { minLength: 2, maxLength: 4 }), (texts) => {
      const long = texts.map((text) => `${'x'.repeat(maxSegmentBytes - 3)}${text}`)
      const segments = [...texts, ...long].map(encodeSegment)
      expect(new Set(segments).size).toBe(segments.length)
      for (const segment of segments) expect(() => checkObjectKey('any', `a/${segment}/b`)).not.toThrow()
    })
    fc.assert(distinct, { seed, numRuns: 1000 })
  })

  it('cuts 10 KB to a segment with a hash, never inside a percent code, and decodes it to nothing', () => {
    for (let shift = 0; shift < 3; shift++) {
      const segment = encodeSegment('a'.repeat(shift) + 'é'.repeat(5000))
      expect(segment).toMatch(/^a*(%[0-9A-F]{2})+\+[0-9a-f]{24}$/)
      expect(decodeValue(segment)).toBeUndefined()
    }
    // A text that looks like a cut one is not taken for it.
    const cut = encodeSegment('b'.repeat(200))
    expect(encodeSegment(cut)).not.toBe(cut)
  })

  it.each(['a+b', '%2', '%zz', 'a/b', '%2e', 'é', '%41', '_unknown%'])(
    'does not decode %j, which it never makes',
    (segment) => {
      expect(decodeValue(segment)).toBeUndefined()
    },
  )
})

describe('calendar (input 22)', () => {
  it.each([
    [0, '1970-01-01-00'],
    [-1, '1969-12-31-23'],
    [Date.UTC(2024, 1, 29, 23) / 3.6e6, '2024-02-29-23'],
    [Date.UTC(1900, 2, 1) / 3.6e6, '1900-03-01-00'],
    [-719_162 * 24, '0001-01-01-00'],
    [-719_163 * 24, '0000-12-31-00'],
    [-720_000 * 24, '-0002-09-16-00'],
    [2_932_896 * 24 + 23, '9999-12-31-23'],
  ])('hour %d is %s', (hours, text) => {
    expect(formatHour(hours, 'date-hour')).toBe(text)
  })

  it('agrees with Date where Date is right', () => {
    const agrees = fc.property(fc.integer({ min: -62_000_000_000, max: 250_000_000_000 }), (seconds) => {
      const hours = Math.floor(seconds / 3600)
      const date = new Date(hours * 3_600_000)
      expect(civilOfHour(hours)).toEqual({
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        hour: date.getUTCHours(),
      })
    })
    fc.assert(agrees, { seed, numRuns: 5000 })
  })
})

describe('path patterns', () => {
  const context = { table: 'sales', topic: 'bakery.sales', eventTime: 'at', partitionBy: [] as PartitionField[] }
  const shape = (pattern: string, partitionBy = context.partitionBy): string =>
    parseTemplate(pattern, { ...context, partitionBy })
      .parts.map((part) => {
        if (part.kind === 'text') return part.text
        return part.kind === 'value'
          ? `<${part.field}>`
          : `<${part.kind === 'time' ? part.field : 'ingest'}:${part.format}>`
      })
      .join('')

  it('expands the lake layout', () => {
    const date: PartitionField = { field: 'at', transform: 'day', as: 'date' }
    expect(shape(layouts.lake.data, [date])).toBe('sales/date=<at:date>/bakery.sales')
    expect(shape(layouts.lake.data)).toBe('sales/bakery.sales')
  })

  it.each([
    [
      'pharma.SensorReading',
      layouts.raw.data,
      'raw/pharma.sensor_data/batch_id=<batch_id>/date=<reading_timestamp:date>/hour=<reading_timestamp:hour>/pharma.sensor_data',
    ],
    [
      'pharma.BatchStatus',
      layouts.hourly.data,
      'pharma.batch_status/<event_timestamp:date>/pharma.batch_status-<event_timestamp:date>-<event_timestamp:hour>',
    ],
    [
      'ecommerce.UserEvent',
      'events/raw/{partitions}/',
      'events/raw/event_date=<timestamp:date>/event_hour=<timestamp:hour>/ecommerce-events',
    ],
    [
      'telco.Customer',
      layouts.lake.data,
      'customers/year=<updated_at:year>/month=<updated_at:month>/day=<updated_at:day>/hour=<updated_at:hour>/',
    ],
    ['bakery.SalesEvent', layouts.lake.data, 'sales_events/date=<sold_at:date>/bakery.sales_events'],
  ])('gives %s the layout that SPEC names', (name, pattern, expected) => {
    const contract = getContract(name)
    const { parts } = parseTemplate(pattern, templateContext(contract))
    const text = parts.map((part) =>
      part.kind === 'text'
        ? part.text
        : part.kind === 'value'
          ? `<${part.field}>`
          : part.kind === 'time'
            ? `<${part.field}:${part.format}>`
            : '',
    )
    expect(text.join('').startsWith(expected)).toBe(true)
  })

  it('says in each folder only what the ones before have not said', () => {
    const by = (transforms: readonly PartitionField['transform'][]): PartitionField[] =>
      transforms.map((transform) => ({ field: 'at', transform, as: transform }))
    expect(shape('{partitions}/', by(['hour']))).toBe('hour=<at:date-hour>/bakery.sales')
    expect(shape('{partitions}/', by(['year', 'month', 'day', 'hour']))).toBe(
      'year=<at:year>/month=<at:month>/day=<at:day>/hour=<at:hour>/bakery.sales',
    )
    expect(shape('{partitions}/', by(['month', 'hour']))).toBe('month=<at:year-month>/hour=<at:date-hour>/bakery.sales')
  })

  it('encodes names of partition fields (input 24)', () => {
    expect(shape('{partitions}/', [{ field: 'a', transform: 'value', as: 'a/b=c' }])).toBe('a%2Fb%3Dc=<a>/bakery.sales')
  })

  it.each([
    ['', 'empty'],
    ['/a/', 'begins with /'],
    ['a//b', 'segment ""'],
    ['a/../b', 'segment ".."'],
    ['a/./', 'segment "."'],
    ['a b/', 'characters'],
    ['{tabel}/', 'not known'],
    ['{value}/', 'not known'],
    ['{date:}/', 'not known'],
    ['x{partitions}/', 'folder of its own'],
    ['{table}/{partitions}', 'folder of its own'],
    ['{table/', 'characters'],
    ['{value:a}{value:b}/', 'bytes long'],
  ])('refuses the pattern %j', (pattern, why) => {
    const parse = (): unknown => parseTemplate(pattern, context)
    expect(parse).toThrow(LayoutError)
    expect(parse).toThrow(why)
  })

  it('knows the folder that belongs to a table alone', () => {
    expect(fixedFolder(parseTemplate('lake/{table}/{date}/', context))).toBe('lake/sales/')
    expect(fixedFolder(parseTemplate('{value:a}/{table}/', context))).toBe('')
  })
})

describe('layouts of several tables (input 41)', () => {
  const table = (
    topic: string,
    name: string,
    patterns: (typeof layouts)['lake'] | (typeof layouts)['raw'] = layouts.lake,
  ) => ({
    contract: { name: topic, topic, table: name, eventTime: 'at', partitionBy: [] },
    patterns,
  })

  it('takes tables that keep apart', () => {
    expect(() => checkLayouts([table('a.b', 'x'), table('a.c', 'y')])).not.toThrow()
  })

  it.each([
    ['one table', [table('a', 'x'), table('b', 'x')]],
    ['tables that differ by case', [table('a', 'x'), table('b', 'X')]],
    ['topics that differ by . and _', [table('a.b', 'x'), table('a_b', 'y')]],
    ['a table called as the folder of late rows', [table('a', 'late'), table('b', 'y')]],
    ['a table called as the chain', [table('a', '_ingest')]],
  ])('refuses %s, naming both', (_, tables) => {
    expect(() => checkLayouts(tables)).toThrow(LayoutError)
    expect(() => checkLayouts(tables)).toThrow(new RegExp(tables.map(({ contract }) => contract.topic).join('|')))
  })

  it('refuses a dead-letter path that needs a field', () => {
    const patterns = { ...layouts.lake, dead: 'dead/{topic}/{date}/' }
    expect(() => checkLayouts([{ ...table('a', 'x'), patterns }])).toThrow('no fields')
  })

  it('has codes that say nothing was written and waiting does not help', () => {
    for (const [code, row] of Object.entries(layoutErrors)) {
      expect(new LayoutError(code as keyof typeof layoutErrors, 'x').code).toBe(code)
      expect(row).toEqual({ outcome: 'none', retry: 'never' })
    }
  })
})
