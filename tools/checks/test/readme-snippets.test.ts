import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkSnippets, extractSnippets } from '../src/readme-snippets.ts'
import { repoRoot } from '../src/workspace.ts'

let root: string
function write(file: string, text: string) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}
const block = (code: string, info = 'ts') => `# Title\n\n\`\`\`${info}\n${code}\n\`\`\`\n`

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-docs-')))
  write('package.json', JSON.stringify({ type: 'module', workspaces: ['packages/*'] }))
  const compilerOptions = {
    target: 'ES2024',
    module: 'NodeNext',
    strict: true,
    customConditions: ['sluice-source'],
    types: ['node'],
    typeRoots: [join(repoRoot, 'node_modules/@types')],
    allowImportingTsExtensions: true,
  }
  write('tsconfig.base.json', JSON.stringify({ compilerOptions }))
  write(
    'packages/a/package.json',
    JSON.stringify({ name: '@sluice/a', type: 'module', exports: { '.': { 'sluice-source': './src/index.ts' } } }),
  )
  write('packages/a/src/index.ts', 'export const one: number = 1\n')
  write('packages/a/README.md', block("import { one } from '@sluice/a'\nif (one !== 1) throw new Error('no')"))
  mkdirSync(join(root, 'node_modules/@sluice'), { recursive: true })
  symlinkSync(join(root, 'packages/a'), join(root, 'node_modules/@sluice/a'), 'dir')
})
afterEach(() => rmSync(root, { recursive: true }))

describe('extractSnippets', () => {
  it('takes ts blocks with their lines, indented ones too, and nothing inside other blocks', () => {
    const text = [
      '```ts',
      'a',
      '```',
      '- item',
      '  ```typescript no-run',
      '  b',
      '    c',
      '  ```',
      '````md',
      '```ts',
      'not me',
      '```',
      '````',
      '```tsx',
      'no',
      '```',
    ].join('\n')
    expect(extractSnippets('d.md', text)).toEqual([
      { document: 'd.md', line: 2, code: 'a', run: true },
      { document: 'd.md', line: 6, code: 'b\n  c', run: false },
    ])
  })
})

describe('checkSnippets', () => {
  const readme = 'packages/a/README.md'

  it('passes blocks that type-check and run', async () => {
    write('docs/x.md', block("throw new Error('not run')", 'ts no-run'))
    expect(await checkSnippets(root, [readme, 'docs/x.md', 'packages/a/src/index.ts'])).toEqual({
      passed: 2,
      failures: [],
    })
  })

  it('red: a block that throws, by line of the document', async () => {
    write('README.md', block("const before = 1\nthrow new Error('at run time')"))
    const { passed, failures } = await checkSnippets(root, [readme, 'README.md'])
    expect(passed).toBe(1)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(/^README\.md:4 ended with code 1\n/)
    expect(failures[0]).toContain('README.md:5')
    expect(failures[0]).toContain('at run time')
  })

  it('red: a block with a type error, run or not; an import that the package does not export', async () => {
    write('README.md', block("const n: number = 'text'", 'ts no-run'))
    write('docs/x.md', block("import { two } from '@sluice/a'"))
    const { passed, failures } = await checkSnippets(root, [readme, 'README.md', 'docs/x.md'])
    expect(passed).toBe(1)
    expect(failures.map((failure) => failure.slice(0, 35)).sort()).toEqual([
      "README.md:4:7 error TS2322: Type 's",
      'docs/x.md:4:10 error TS2305: Module',
    ])
  })

  it('red: a published package whose README holds nothing that runs', async () => {
    write(readme, block('const a = 1', 'ts no-run'))
    expect((await checkSnippets(root, [readme])).failures).toEqual([`${readme}: has no \`\`\`ts block that runs`])
  })
})
