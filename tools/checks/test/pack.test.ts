import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkPack } from '../src/pack-check.ts'
import { importPaths, optionalPeers } from '../src/pack/consumer.ts'
import { contentProblems, packageOf, undeclaredImports } from '../src/pack/tarball.ts'
import { publishablePackages } from '../src/workspace.ts'

let root: string
function write(file: string, text: string) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-packs-')))
})
afterEach(() => rmSync(root, { recursive: true }))

const base = {
  version: '0.0.0',
  type: 'module',
  license: 'Apache-2.0',
  sideEffects: false,
  engines: { node: '>=22' },
  files: ['dist', 'README.md', 'LICENSE'],
}

/** Two packages that build, pack and import; `b` stands on `a`. */
function writeHouse() {
  write('package.json', JSON.stringify({ private: true, workspaces: ['packages/*'] }))
  for (const [name, dependencies] of [
    ['a', {}],
    ['b', { '@sluice/a': '0.0.0' }],
  ] as const) {
    const exports = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } }
    write(`packages/${name}/package.json`, JSON.stringify({ name: `@sluice/${name}`, ...base, exports, dependencies }))
    write(`packages/${name}/README.md`, `# ${name}\n`)
    write(`packages/${name}/LICENSE`, 'free\n')
    const compilerOptions = {
      target: 'ES2024',
      module: 'NodeNext',
      rootDir: 'src',
      outDir: 'dist',
      declaration: true,
      strict: true,
      types: [],
    }
    write(`packages/${name}/tsconfig.build.json`, JSON.stringify({ compilerOptions, include: ['src'] }))
    mkdirSync(join(root, 'node_modules/@sluice'), { recursive: true })
    symlinkSync(join(root, 'packages', name), join(root, 'node_modules/@sluice', name), 'dir')
  }
  write('packages/a/src/index.ts', 'export const one = 1\n')
  write('packages/b/src/index.ts', "import { one } from '@sluice/a'\nexport const two: number = one + 1\n")
}

describe('checkPack', () => {
  it('passes packages that a stranger can install, import and type-check', async () => {
    writeHouse()
    // five checks for each package, its import without and with peers, and one type check for all
    expect(await checkPack(root)).toEqual({ passed: 2 * 5 + 2 + 2 + 1, failures: [] })
  })

  it('red: everything that only shows in the tarball', async () => {
    writeHouse()
    const exports = {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './gone': './dist/gone.js',
      './late': { types: './dist/late.d.ts', default: './dist/late.js' },
    }
    const files = ['dist', 'test']
    write(
      'packages/b/package.json',
      JSON.stringify({ name: '@sluice/b', ...base, files, exports, devDependencies: { '@sluice/a': '0.0.0' } }),
    )
    rmSync(join(root, 'packages/b/README.md'))
    write('packages/b/test/b.test.js', '')
    write('packages/b/src/late.ts', "throw new Error('only at run time')\nexport const late = 1\n")
    write('packages/b/src/index.ts', "export { one } from '@sluice/a'\n")
    const text = (await checkPack(root)).failures.join('\n')
    expect(text).toContain('@sluice/b contents: the tarball has no README.md')
    expect(text).toContain('@sluice/b contents: the tarball holds the test file test/b.test.js')
    expect(text).toContain('@sluice/b contents: exports["./gone"] leads to ./dist/gone.js')
    expect(text).toContain('@sluice/b imports: dist/index.js imports @sluice/a, which is neither')
    expect(text).toContain('@sluice/b publint: ')
    expect(text).toContain('@sluice/b attw: ')
    expect(text).toMatch(/import '@sluice\/b\/late' from the tarball: .*only at run time/)
    expect(text).toMatch(/types of the tarballs: .*@sluice\/b\/gone/)
  })

  it('red: a package that does not build, and the others are still looked at', async () => {
    writeHouse()
    write('packages/b/src/index.ts', "export const two: number = 'two'\n")
    const { passed, failures } = await checkPack(root)
    expect(passed).toBe(5)
    expect(failures[0]).toMatch(/@sluice\/b build: .*TS2322/)
  })

  it('red: nothing to publish, and packages in a circle', async () => {
    write('package.json', JSON.stringify({ workspaces: ['packages/*'] }))
    expect((await checkPack(root)).failures).toEqual(['there is no package to publish'])
    write('packages/x/package.json', JSON.stringify({ name: '@sluice/x', dependencies: { '@sluice/y': '1' } }))
    write('packages/y/package.json', JSON.stringify({ name: '@sluice/y', dependencies: { '@sluice/x': '1' } }))
    expect(() => publishablePackages(root)).toThrow(/in a circle: @sluice\/x, @sluice\/y/)
  })
})

describe('the parts', () => {
  const manifest = {
    name: '@sluice/a',
    version: '1.0.0',
    exports: { '.': './dist/index.js', './deep': { default: './dist/deep.js' }, './package.json': './package.json' },
  }

  it('names what is missing from a tarball and what does not belong', () => {
    const good = ['LICENSE', 'README.md', 'dist/deep.js', 'dist/index.js', 'package.json']
    expect(contentProblems(good, manifest)).toEqual([])
    expect(
      contentProblems([...good, 'dist/x.test.js', 'src/test/y.ts', 'tsconfig.json', '.env'], manifest),
    ).toHaveLength(4)
    expect(contentProblems(good.slice(2), manifest)).toEqual([
      'the tarball has no README.md',
      'the tarball has no LICENSE',
    ])
  })

  it.each([
    ['./x.js', undefined],
    ['#inner', undefined],
    ['node:fs', undefined],
    ['fs/promises', undefined],
    ['zod', 'zod'],
    ['zod/v4', 'zod'],
    ['@sluice/a/deep', '@sluice/a'],
  ])('the package of %s', (specifier, name) => expect(packageOf(specifier)).toBe(name))

  it('finds undeclared imports in code and in declarations, static or not', () => {
    write(
      'dist/index.js',
      "import 'zod'\nimport fs from 'node:fs'\nexport * from './x.js'\nconst lazy = () => import('pino')\n// import 'no'\n",
    )
    write('dist/index.d.ts', "export type T = import('avsc').Type\n")
    expect(undeclaredImports(root, { ...manifest, dependencies: { zod: '4' } })).toEqual([
      'dist/index.d.ts imports avsc, which is neither in dependencies nor in peerDependencies',
      'dist/index.js imports pino, which is neither in dependencies nor in peerDependencies',
    ])
  })

  it('lists import paths and optional peers', () => {
    expect(importPaths(manifest)).toEqual(['@sluice/a', '@sluice/a/deep'])
    const peers = { peerDependencies: { vitest: '>=3', pg: '8' }, peerDependenciesMeta: { vitest: { optional: true } } }
    expect(optionalPeers({ ...manifest, ...peers })).toEqual({ vitest: '>=3' })
  })
})
