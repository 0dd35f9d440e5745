import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { sinkErrors } from '@sluice/ingest-core'
import { describe, expect, it } from 'vitest'
import { createPgConnector, createPostgresSink, postgresSinkDefaults } from '../src/index.ts'
import { failureKind } from '../src/sql/sqlstate.ts'

const text = await readFile(new URL('../README.md', import.meta.url), 'utf8')

async function optionsOf(file: string, name: string): Promise<string[]> {
  const source = await readFile(new URL(`../src/${file}`, import.meta.url), 'utf8')
  const from = source.indexOf(`export interface ${name} {`)
  const body = source.slice(from, source.indexOf('\n}\n', from))
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1]!)
}

describe('the README', () => {
  it.each([
    ['sink-options.ts', 'PostgresSinkOptions', 14],
    ['table/table-options.ts', 'PostgresTable', 9],
    ['table/table-options.ts', 'ValuePolicy', 3],
    ['session/pg-connector.ts', 'PgConnectorOptions', 12],
  ])('%s %s: every option', async (file, name, least) => {
    const names = await optionsOf(file, name)
    expect(names.length).toBeGreaterThanOrEqual(least)
    for (const option of names) expect(text).toContain(`\`${option}\``)
  })

  it('has the defaults of numbers and choices', () => {
    const rows = new Map([...text.matchAll(/^\| `(\w+)` +\| ([^|]*?) *\|/gm)].map((match) => [match[1]!, match[2]!]))
    const { flushRows, flushBytes, maxRefusedShare, minRefused, schema, ddl, workMem } = postgresSinkDefaults
    expect(rows.get('flushRows')).toBe(flushRows.toLocaleString('en'))
    expect(rows.get('flushBytes')).toBe(`${flushBytes / 2 ** 20} MiB`)
    expect(rows.get('maxRefusedShare')).toBe(String(maxRefusedShare))
    expect(rows.get('minRefused')).toBe(String(minRefused))
    expect([rows.get('schema'), rows.get('ddl'), rows.get('workMem')]).toEqual([
      `\`${schema}\``,
      `\`${ddl}\``,
      `\`${workMem}\``,
    ])
  })

  it('lists the codes that the sink throws, and no others', async () => {
    const { readdir } = await import('node:fs/promises')
    const folder = new URL('../src/', import.meta.url)
    const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'))
    const thrown = new Set<string>()
    for (const file of files) {
      const source = await readFile(new URL(file, folder), 'utf8')
      for (const [, code] of source.matchAll(/new SinkError\(\s*'(\w+)'/g)) thrown.add(code!)
    }
    thrown.add('TOPIC_CHANGED').add('CLUSTER_CHANGED')
    const section = text.slice(text.indexOf('## Errors'), text.indexOf('## Dead letters'))
    const listed = new Set([...section.matchAll(/`([A-Z_]{6,})`/g)].map((match) => match[1]!))
    expect([...listed].sort()).toEqual([...thrown].sort())
    for (const code of listed) expect(code in sinkErrors).toBe(true)
  })

  it('says of SQLSTATEs what the code does', () => {
    const kindOf = (code: string): string => failureKind(Object.assign(new Error('x'), { code }))
    for (const code of ['21000', '22001', '23514', '44000', '54000', 'P0001']) expect(kindOf(code)).toBe('row')
    for (const code of ['40001', '40P01', '55P03', '57014', '25P03']) expect(kindOf(code)).toBe('retry')
    for (const code of ['08006', '53100', '57P01', '58030', '25006', 'ECONNRESET', 'EPIPE'])
      expect(kindOf(code)).toBe('pause')
    for (const code of ['42703', '42P01', '42804', '42P10', '22P03']) expect(kindOf(code)).toBe('drift')
    for (const code of ['42501', '28P01', '3F000', '0A000', '25P02']) expect(kindOf(code)).toBe('stop')
  })
})

it('options show no secret', () => {
  const connection = createPgConnector({
    connectionString: 'postgres://u:c2VjcmV0@127.0.0.1:1/d',
    password: 'c2VjcmV0',
  })
  const sink = createPostgresSink({ connection, sinkId: 's', owner: 'o', tables: [] })
  expect(
    inspect([connection, sink], { depth: 6, showHidden: true }) + JSON.stringify([connection, sink]),
  ).not.toContain('c2VjcmV0')
})
