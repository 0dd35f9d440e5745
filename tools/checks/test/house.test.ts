import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkHouse, houseRules, lockGaps } from '../src/house.ts'

let root: string
const files: string[] = []

function write(file: string, text: string) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
  if (!files.includes(file)) files.push(file)
}

const manifest = {
  name: '@sluice/a',
  version: '0.0.0',
  license: 'Apache-2.0',
  description: 'a',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=22' },
  files: ['dist'],
  exports: { '.': './dist/index.js' },
  publishConfig: { access: 'public', provenance: true },
  repository: { directory: 'packages/a' },
  scripts: { build: 'tsc', test: 'vitest run --root ../.. packages/a/' },
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-rules-'))
  files.length = 0
  write('package.json', JSON.stringify({ workspaces: ['packages/*'] }))
  write('package-lock.json', JSON.stringify({ packages: {} }))
  write('packages/a/package.json', JSON.stringify(manifest))
  write('packages/a/tsconfig.build.json', '{}')
  write('packages/a/src/index.ts', 'export const a = 1\n')
  write('packages/a/test/a.test.ts', '')
})
afterEach(() => rmSync(root, { recursive: true }))

async function broken(): Promise<string[]> {
  const { failures } = await checkHouse(root, files)
  return failures.map((failure) => failure.split(':')[0]!)
}

describe('house', () => {
  it('passes a house in order, one check for each rule', async () => {
    expect(await checkHouse(root, files)).toEqual({ passed: houseRules.length, failures: [] })
  })

  it('red: a source file over 500 lines; green: exactly 500, and a long test', async () => {
    write('packages/a/src/long.ts', '// x\n'.repeat(500))
    write('packages/a/test/long.test.ts', '// x\n'.repeat(900))
    expect(await broken()).toEqual([])
    write('packages/a/src/long.ts', '// x\n'.repeat(501))
    expect(await broken()).toEqual(['file-length'])
  })

  it.each(['packages/a/src/utils.ts', 'packages/a/src/helpers/x.ts', 'packages/a/test/util.ts'])(
    'red: %s',
    async (file) => {
      write(file, '')
      expect(await broken()).toEqual(['no-catch-all-file'])
    },
  )

  it('red: a package reads the environment; green: runtime and apps', async () => {
    write('packages/runtime/src/config.ts', 'export const e = process.env.X\n')
    write('apps/x/src/main.ts', 'export const e = process.env.X\n')
    expect(await broken()).toEqual([])
    write('packages/a/src/index.ts', 'export const e = process.env.X\n')
    expect(await broken()).toEqual(['environment-at-the-edge'])
  })

  it.each(['https://registry.npmjs' + '.org/x', 'repo.maven' + '.apache.org', 'https://pypi' + '.org/simple'])(
    'red: the host %s',
    async (host) => {
      write('docs/a.md', `see ${host}\n`)
      expect(await broken()).toEqual(['no-registry-host'])
    },
  )

  it.each(['/' + 'work/main/x', '"/' + 'root/.cache"', 'cd /' + 'home/me'])('red: the path %s', async (path) => {
    write('docs/a.md', `in ${path}\n`)
    expect(await broken()).toEqual(['no-machine-path'])
  })

  it('green: paths of URLs and of layouts are no machine paths', async () => {
    write('docs/a.md', 'https://example.invalid/home/page and s3://lake/work/x\n')
    expect(await broken()).toEqual([])
  })

  it('red: tests without a script, a script without tests, a script that runs something else', async () => {
    const { test: _test, ...scripts } = manifest.scripts
    write('packages/a/package.json', JSON.stringify({ ...manifest, scripts }))
    expect(await broken()).toEqual(['tests-are-run'])
    write('packages/a/package.json', JSON.stringify({ ...manifest, scripts: { ...scripts, test: 'true' } }))
    expect(await broken()).toEqual(['tests-are-run'])
    write('packages/a/package.json', JSON.stringify(manifest))
    rmSync(join(root, 'packages/a/test'), { recursive: true })
    files.splice(files.indexOf('packages/a/test/a.test.ts'), 1)
    expect(await broken()).toEqual(['tests-are-run'])
  })

  it.each([
    'license',
    'description',
    'engines',
    'files',
    'exports',
    'publishConfig',
    'repository',
    'sideEffects',
    'type',
  ])('red: a manifest without %s', async (key) => {
    write('packages/a/package.json', JSON.stringify({ ...manifest, [key]: undefined }))
    expect(await broken()).toContain('manifests')
  })

  it('red: an optional dependency that the lock does not hold', () => {
    const packages = {
      'node_modules/tool': { optionalDependencies: { 'tool-linux': '1', 'tool-mac': '1', 'tool-win': '1' } },
    }
    const held = { ...packages, 'node_modules/tool-linux': {}, 'node_modules/tool/node_modules/tool-mac': {} }
    expect(lockGaps({ packages: held })).toEqual([
      'package-lock.json: node_modules/tool may need tool-win, which the lock does not hold',
    ])
  })
})
