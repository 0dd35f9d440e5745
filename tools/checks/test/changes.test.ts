import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { checkChanges } from '../src/changes.ts'
import { checkGenerated } from '../src/generated.ts'

let root: string
function write(file: string, content: string | object) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), typeof content === 'string' ? content : JSON.stringify(content))
}
const note = (bumps: Record<string, string>) =>
  `---\n${Object.entries(bumps)
    .map(([name, bump]) => `'${name}': ${bump}\n`)
    .join('')}---\n\nWhat changed.\n`

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-changes-'))
  write('package.json', { name: 'house', private: true, workspaces: ['packages/*', 'apps/*'] })
  write('packages/a/package.json', { name: '@sluice/a', version: '0.0.0' })
  write('packages/b/package.json', { name: '@sluice/b', version: '1.2.0', dependencies: { '@sluice/a': '0.0.0' } })
  write('apps/x/package.json', {
    name: '@sluice/x',
    version: '0.0.0',
    private: true,
    dependencies: { '@sluice/b': '1.2.0' },
  })
  write('.changeset/config.json', {
    changelog: '@changesets/cli/changelog',
    commit: false,
    access: 'public',
    baseBranch: 'main',
    updateInternalDependencies: 'patch',
    privatePackages: { version: false, tag: false },
  })
  write('.changeset/first.md', note({ '@sluice/a': 'minor' }))
})
afterEach(() => rmSync(root, { recursive: true }))

it('applies notes, and those who depend follow; shows what would be published', async () => {
  const told: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void told.push(line))
  expect(await checkChanges(root)).toEqual({ passed: 3, failures: [] })
  log.mockRestore()
  expect(told).toContain('@sluice/a 0.0.0 -> 0.1.0 (minor)')
  expect(told).toContain('@sluice/b 1.2.0 -> 1.2.1 (patch)')
  expect(told.join('\n')).toMatch(/--- @sluice\/a\/CHANGELOG\.md\n## 0\.1\.0\n[^]*What changed\./)
  expect(told.join('\n')).toMatch(/--- @sluice\/b\/CHANGELOG\.md\n## 1\.2\.1\n[^]*@sluice\/a@0\.1\.0/)
})

it('red: a note for a package that does not exist', async () => {
  write('.changeset/second.md', note({ '@sluice/gone': 'minor' }))
  const { failures } = await checkChanges(root)
  expect(failures).toHaveLength(1)
  expect(failures[0]).toContain('@sluice/gone')
})

it('red: a package that no note will ever release', async () => {
  write('packages/c/package.json', { name: '@sluice/c', version: '0.0.0' })
  expect((await checkChanges(root)).failures).toEqual(['@sluice/c was never released and no change note names it'])
})

it('red: a workspace that asks for a version that is not there', async () => {
  write('apps/x/package.json', {
    name: '@sluice/x',
    version: '0.0.0',
    private: true,
    dependencies: { '@sluice/b': '1.0.0' },
  })
  expect((await checkChanges(root)).failures).toEqual(['apps/x asks for @sluice/b 1.0.0, but it would be 1.2.1'])
})

it('generated: passes what is fresh; red for what is not, and for generated files that nothing checks', async () => {
  const script = (code: string) => {
    write('packages/a/generate.cjs', code)
    write('packages/a/package.json', { name: '@sluice/a', scripts: { generate: 'node generate.cjs' } })
  }
  write('packages/a/src/generated/x.ts', '')
  script("process.exitCode = process.argv[2] === '--check' ? 0 : 9")
  expect(await checkGenerated(root)).toEqual({ passed: 1, failures: [] })
  script("console.log('differs: x.ts'); process.exitCode = 1")
  expect((await checkGenerated(root)).failures).toEqual(['packages/a: generate --check ended with 1\ndiffers: x.ts'])
  write('packages/a/package.json', { name: '@sluice/a' })
  expect((await checkGenerated(root)).failures[0]).toMatch(/^packages\/a has generated files .* but no generate script/)
})
