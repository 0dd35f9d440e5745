import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { LogError, logErrors } from '../src/errors/log-error.ts'
import type { LogErrorCode } from '../src/errors/log-error.ts'
import { SourceError, sourceErrors } from '../src/errors/source-error.ts'
import type { SourceErrorCode } from '../src/errors/source-error.ts'
import { StoreError, storeErrors } from '../src/errors/store-error.ts'
import type { StoreErrorCode } from '../src/errors/store-error.ts'

const tables = { logErrors, sourceErrors, storeErrors }

describe('error tables', () => {
  it('hold rows of one shape, and no code twice', () => {
    const codes = Object.values(tables).flatMap((table) => Object.keys(table))
    expect(new Set(codes).size).toBe(codes.length)
    for (const [name, table] of Object.entries(tables)) {
      for (const [code, row] of Object.entries(table)) {
        expect(code, name).toMatch(/^[A-Z]+(_[A-Z]+)+$/)
        expect(Object.keys(row), code).toEqual(['outcome', 'retry'])
        expect(['none', 'not-written', 'unknown']).toContain(row.outcome)
        expect(['never', 'later', 'after-head']).toContain(row.retry)
      }
    }
  })

  it('are what the docs say, row by row', async () => {
    const text = await readFile(new URL('../docs/log-sources-stores.md', import.meta.url), 'utf8')
    const rows = [...text.matchAll(/^\| `([A-Z_]+)` +\| (\S+) +\| (\S+) +\|/gm)].map(([, code, outcome, retry]) => [
      code,
      { outcome, retry },
    ])
    expect(Object.fromEntries(rows)).toEqual({ ...logErrors, ...sourceErrors, ...storeErrors })
  })

  it('give each instance its code, name and context', () => {
    const cause = new Error('below')
    for (const code of Object.keys(logErrors) as LogErrorCode[]) {
      expect(new LogError(code, 'text', { cause })).toMatchObject({ code, name: 'LogError', message: 'text', cause })
    }
    for (const code of Object.keys(storeErrors) as StoreErrorCode[]) {
      const error = new StoreError(code, 'text', { store: 's', key: 'k', cause })
      expect(error).toMatchObject({ code, name: 'StoreError', store: 's', key: 'k', cause })
      expect(new StoreError(code, 'text', { store: 's' }).key).toBeNull()
    }
    for (const code of Object.keys(sourceErrors) as SourceErrorCode[]) {
      const error = new SourceError(code, 'text', { source: 's', missing: { start: 1, end: 2 } })
      expect(error).toMatchObject({
        code,
        name: 'SourceError',
        source: 's',
        missing: { start: 1, end: 2 },
        partition: null,
      })
    }
  })
})
