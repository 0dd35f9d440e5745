import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { avroLimits, columnarErrors, ColumnarError, decodeCodes, decodeLimits } from '../src/index.ts'
import type { ColumnarErrorCode } from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

function codesUnder(heading: string): string[] {
  const section = readme.split(`## ${heading}\n`)[1]!.split('\n## ')[0]!
  return [...section.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1]!)
}

describe('README', () => {
  it('lists every code of a refused record and nothing else', () => {
    expect(codesUnder('Codes of refused records').sort()).toEqual(Object.keys(decodeCodes).sort())
  })

  it('lists every error and nothing else, and instances carry their code', () => {
    expect(codesUnder('Errors').sort()).toEqual(Object.keys(columnarErrors).sort())
    for (const code of Object.keys(columnarErrors) as ColumnarErrorCode[]) {
      expect(new ColumnarError(code, 'x').code).toBe(code)
    }
  })

  it('states the limits as they are', () => {
    for (const [name, value] of Object.entries(decodeLimits))
      expect(readme).toMatch(new RegExp(`limits.${name}\`\\s+\\| ${value} `))
    for (const [name, value] of Object.entries(avroLimits)) {
      expect(readme).toMatch(new RegExp(`schemaLimits.${name}\`\\s+\\| ${value} `))
    }
  })
})
