import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { decodeCodes, type DecodeCode } from '@sluice/columnar'
import { DecodeError, envelopeCodes, schemaErrors, SchemaError, type SchemaErrorCode } from '../src/index.ts'

describe('error tables', () => {
  it('carry the code they are made with', () => {
    for (const code of Object.keys(schemaErrors) as SchemaErrorCode[]) {
      expect(new SchemaError(code, 'text')).toMatchObject({ code, name: 'SchemaError', path: '', expected: '' })
    }
    for (const code of Object.keys(decodeCodes) as DecodeCode[]) {
      expect(new DecodeError(code, 'a.b', 'c')).toMatchObject({ code, path: 'a.b', expected: 'c', name: 'DecodeError' })
    }
  })

  it('are all in the README, and nothing else is', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const listed = [...readme.matchAll(/^\| `([A-Za-z_]+)` *\|.*\|$/gm)].map((match) => match[1]!)
    const codes = listed.filter((name) => /^[A-Z]+_[A-Z_]+$/.test(name) || name in envelopeCodes)
    expect(codes.sort()).toEqual([...Object.keys(schemaErrors), ...Object.keys(envelopeCodes)].sort())
  })
})
