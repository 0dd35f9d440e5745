import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { RuntimeError, runtimeErrors, type RuntimeErrorCode } from '@sluice/runtime'

it('has one table of codes: instance, exit code and README agree', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)`\s+\|/gm)].map((match) => match[1])
  expect(listed.sort()).toEqual(Object.keys(runtimeErrors).sort())
  for (const code of Object.keys(runtimeErrors) as RuntimeErrorCode[]) {
    const error = new RuntimeError(code, 'text')
    expect([error.code, error.exitCode]).toEqual([code, runtimeErrors[code].exitCode])
  }
})
