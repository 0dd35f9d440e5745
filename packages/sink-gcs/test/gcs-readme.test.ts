import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { storeErrors } from '@sluice/ingest-core'
import { describe, expect, it } from 'vitest'
import { createGcsStore, gcsStoreDefaults } from '../src/index.ts'

const readme = () => readFile(new URL('../README.md', import.meta.url), 'utf8')

describe('the README', () => {
  it('lists every option with its default, and every code', async () => {
    const text = await readme()
    const source = await readFile(new URL('../src/gcs-options.ts', import.meta.url), 'utf8')
    const body = source.slice(source.indexOf('export interface GcsStoreOptions'), source.indexOf('export const'))
    const names = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1]!)
    expect(names.length).toBeGreaterThan(8)
    const rows = new Map([...text.matchAll(/^\| `(\w+)` +\| ([^|]*?) *\|/gm)].map((match) => [match[1]!, match[2]!]))
    for (const name of names) expect(rows.has(name), name).toBe(true)
    for (const [name, value] of Object.entries(gcsStoreDefaults)) expect(rows.get(name), name).toBe(worded(value))
    for (const code of Object.keys(storeErrors)) expect(text).toContain(`\`${code}\``)
  })
})

/** A default as the table words it. */
function worded(value: string | number | boolean): string {
  if (typeof value === 'string') return `\`${value}\``
  if (typeof value === 'boolean') return String(value)
  if (value % 2 ** 20 === 0) return `${value / 2 ** 20} MiB`
  return value >= 10_000 ? value.toLocaleString('en') : String(value)
}

const good = { bucket: 'bucket', endpoint: 'http://127.0.0.1:1' }

describe('options', () => {
  it.each([{ bucket: 'A b' }, { endpoint: 'host:80' }, { chunkBytes: 1000 }, { pageSize: 0 }, { requestMs: -1 }])(
    '%j are refused at construction',
    (bad) => {
      expect(() => createGcsStore({ ...good, ...bad })).toThrow(TypeError)
    },
  )

  it('are copied and not changed', () => {
    const options = Object.freeze({ ...good })
    const store = createGcsStore(options)
    expect(inspect(store, { depth: 5, showHidden: true }) + JSON.stringify(store)).not.toContain('c2VjcmV0')
  })
})
