import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { exitCodes } from '../src/cli/cli-error.ts'
import { gateRules } from '../src/gate/index.ts'
import { checkCompatibility, type AvroSchema } from '../src/index.ts'
import { a, b, decimal, inner, logical, of, one, symbols } from './support/compatibility-cases.ts'

const text = readFileSync(new URL('../../../docs/schema-evolution.md', import.meta.url), 'utf8')
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** Rows of the table "Each kind of change": change and verdict. */
const rows = [
  ...(/## Each kind of change\n([^]*?)\n### /.exec(text)?.[1] ?? '').matchAll(
    /^\| (.+?) +\| (passes|refused[^|]*?) +\|/gm,
  ),
]

const d = { default: 'A' }
const cases: Record<string, readonly (readonly [AvroSchema, AvroSchema])[]> = {
  'field added, nullable with default null': [[of(a), of(a, { name: 'n', type: ['null', 'int'], default: null })]],
  'field added with another default': [[of(a), of(a, { ...b, default: 1 })]],
  'field added without default': [[of(a), of(a, b)]],
  'field with a default removed': [[of(a, { ...b, default: 1 }), of(a)]],
  'field without a default removed': [[of(a, b), of(a)]],
  'field renamed': [[of(a), of({ ...a, name: 'c', aliases: ['a'] })]],
  'fields reordered, words changed': [[of(a, b), of(b, { ...a, doc: 'words' })]],
  '`int` to `long`, `float` to `double`': [
    [one('int'), one('long')],
    [one('float'), one('double')],
  ],
  '`string` to `int`, milliseconds to microseconds': [
    [one('string'), one('int')],
    [one(logical('long', 'timestamp-millis')), one(logical('long', 'timestamp-micros'))],
  ],
  'made nullable': [[one('int'), one(['null', 'int'])]],
  'no longer nullable': [[one(['null', 'int']), one('int')]],
  'enum symbol added, enum has a default symbol': [[one(symbols(['A'], d)), one(symbols(['A', 'B'], d))]],
  'enum symbol added, no default': [[one(symbols(['A'])), one(symbols(['A', 'B']))]],
  'enum symbol removed or renamed': [[one(symbols(['A', 'B'])), one(symbols(['A']))]],
  'decimal with more digits': [[one(decimal(9, 2)), one(decimal(12, 2))]],
  'decimal with another scale': [[one(decimal(9, 2)), one(decimal(9, 3))]],
  'record or enum renamed': [
    [one(inner('int')), one({ ...inner('int'), name: 'Other' })],
    [one(symbols(['A'])), one(symbols(['A'], { name: 'G' }))],
  ],
}

describe('docs/schema-evolution.md', () => {
  it.each(rows.map(([, change, verdict]) => [change!, verdict!]))('tells the truth about: %s', (change, verdict) => {
    const codes = [...verdict.matchAll(/`(\w+)`/g)].map((match) => match[1]!)
    if (codes.every((code) => code in gateRules) && codes.length > 0) return
    const found = cases[change]!.flatMap(
      ([before, after]) => checkCompatibility(after, [{ version: 1, schema: before }], 'FULL').problems,
    )
    expect([...new Set(found.map(({ rule }) => rule))].sort()).toEqual(codes.sort())
    const direction = /\((new|old) reads/.exec(verdict)?.[1]
    if (direction !== undefined)
      expect(new Set(found.map((one_) => one_.direction.slice(0, 3)))).toEqual(new Set([direction]))
  })

  it('has all these rows', () => {
    expect(rows.map((row) => row[1])).toEqual([...Object.keys(cases), 'topic, key or encoding changed'])
  })

  it('lists the exit codes, and the README the rules of the gate', () => {
    const listed = [...text.matchAll(/^\| (\d) +\| (.+?) +\|$/gm)].map(([, code, meaning]) => ({
      code: Number(code),
      meaning,
    }))
    expect(listed).toEqual(Object.values(exitCodes))
    for (const rule of Object.keys(gateRules)) expect(readme).toMatch(new RegExp(`^\\| \`${rule}\` +\\|`, 'm'))
  })
})
