import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { windowErrors } from '@sluice/windows'

it('lists every error code with its advice', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)`\s+\| (.+?)\s+\|$/gm)].map(([, code, advice]) => [code, advice])
  expect(rows).toEqual(Object.entries(windowErrors).map(([code, { advice }]) => [code, advice]))
})
