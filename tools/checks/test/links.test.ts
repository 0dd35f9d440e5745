import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkLinks, headingAnchors, markdownLinks } from '../src/links.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-links-'))
  mkdirSync(join(root, 'docs'))
})
afterEach(() => rmSync(root, { recursive: true }))

it('finds links outside code, with their lines', () => {
  const text = [
    '[a](b.md "title") ![i](p.png)',
    '`[no](x.md)`',
    '```md',
    '[no](y.md)',
    '```',
    '[ref]: c.md',
    '<a href="d.md">',
  ].join('\n')
  expect(markdownLinks(text)).toEqual([
    { target: 'b.md', line: 1 },
    { target: 'p.png', line: 1 },
    { target: 'c.md', line: 6 },
    { target: 'd.md', line: 7 },
  ])
})

it('makes anchors as GitHub does', () => {
  expect([...headingAnchors('# A `b`, c!\n## A\n## A\n```\n# not\n```\n')]).toEqual(['a-b-c', 'a', 'a-1'])
})

it('passes links that lead somewhere and leaves the web alone', async () => {
  writeFileSync(
    join(root, 'README.md'),
    '[d](docs/a.md#two-words) [f](docs) [w](https://example.invalid) [h](#top)\n# Top\n',
  )
  writeFileSync(join(root, 'docs/a.md'), '# Two words\n[up](../README.md)\n')
  expect(await checkLinks(root, ['README.md', 'docs/a.md'])).toEqual({ passed: 2, failures: [] })
})

it('red: no such file, no such heading, out of the repository', async () => {
  writeFileSync(join(root, 'README.md'), '[x](gone.md)\n[y](#nowhere)\n[z](../secret.md)\n[abs](/docs/a.md)\n')
  expect((await checkLinks(root, ['README.md'])).failures).toEqual([
    'README.md:1 gone.md: no such file',
    'README.md:2 #nowhere: no such heading',
    'README.md:3 ../secret.md: leads out of the repository',
    'README.md:4 /docs/a.md: leads out of the repository',
  ])
})
