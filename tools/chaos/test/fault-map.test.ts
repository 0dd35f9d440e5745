import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { citedNumbers, mapRows } from '../src/fault-map.ts'
import { faultKinds } from '../src/fault-kinds.ts'

const root = join(import.meta.dirname, '../../..')
const document = readFileSync(join(root, 'docs/reliability.md'), 'utf8')
const cited = citedNumbers(root)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Rows 68 to 73 are about Iceberg tables. */
const tables = [
  { kind: 'fault', heading: 'Faults', numbers: [...range(1, 67), ...range(74, 84)] },
  { kind: 'input', heading: 'Inputs', numbers: range(1, 42) },
] as const

describe.each(tables)('the table of each $kind in docs/reliability.md', ({ kind, heading, numbers }) => {
  const rows = mapRows(document, heading)

  it('has every number once', () => {
    expect(rows.map(({ number }) => number)).toEqual(numbers)
  })

  it('names the files whose tests cite the number, all of them and no others', () => {
    const said = Object.fromEntries(rows.map(({ number, files }) => [number, [...files].sort()]))
    const found = Object.fromEntries(numbers.map((number) => [number, [...(cited[kind].get(number) ?? [])].sort()]))
    expect(said).toEqual(found)
  })

  it('says why where there is none', () => {
    for (const { number, what, files, note } of rows) {
      expect(what, `${kind} ${number}`).not.toBe('')
      if (files.length === 0) expect(note.length, `${kind} ${number}`).toBeGreaterThan(20)
      for (const file of files) expect(existsSync(join(root, file)), file).toBe(true)
    }
  })
})

it('the chaos suite cites every fault that its kinds stand for', () => {
  const own = 'tools/chaos/test/chaos.test.ts'
  for (const [kind, { faults }] of Object.entries(faultKinds))
    for (const fault of faults) expect(cited.fault.get(fault)?.has(own), `${kind}: ${fault}`).toBe(true)
})

describe('the README of the chaos suite', () => {
  const readme = readFileSync(join(root, 'tools/chaos/README.md'), 'utf8')

  it('lists every kind of fault with what happens', () => {
    const rows = [...readme.matchAll(/^\| `([a-z0-9-]+)` +\| (.+?) +\| ([\d, ]+?) +\|$/gm)]
    expect(Object.fromEntries(rows.map(([, kind, text, faults]) => [kind, [text, faults]]))).toEqual(
      Object.fromEntries(
        Object.entries(faultKinds).map(([kind, { text, faults }]) => [kind, [text, faults.join(', ')]]),
      ),
    )
  })
})
