import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { boundaryRules } from '../src/boundary-rules.ts'
import { checkBoundaries } from '../src/boundaries.ts'
import { packageMap, vendorClients } from '../src/package-map.ts'

/** A small house of the real shape: every package of the map with its arrows declared and one file, one app, one tool. */
let root: string

function write(file: string, text: string) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

function writeManifest(folder: string, name: string, dependencies: readonly string[], extra: object = {}) {
  const manifest = {
    name,
    version: '0.0.0',
    type: 'module',
    exports: { '.': { 'sluice-source': './src/index.ts' } },
    dependencies: Object.fromEntries(dependencies.map((d) => [d, '*'])),
    ...extra,
  }
  write(`${folder}/package.json`, JSON.stringify(manifest))
  mkdirSync(dirname(join(root, 'node_modules', name)), { recursive: true })
  symlinkSync(join(root, folder), join(root, 'node_modules', name), 'dir')
}

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-house-')))
  write(
    'package.json',
    JSON.stringify({ name: 'house', private: true, workspaces: ['packages/*', 'apps/*', 'tools/*', 'bench'] }),
  )
  for (const [name, allowed] of Object.entries(packageMap)) {
    writeManifest(
      `packages/${name}`,
      `@sluice/${name}`,
      allowed.map((a) => `@sluice/${a}`),
    )
    const imports = allowed.map((a) => `import { ${a.replaceAll('-', '')} } from '@sluice/${a}'`)
    const uses = allowed.map((a) => a.replaceAll('-', '')).join(', ')
    write(
      `packages/${name}/src/index.ts`,
      `${imports.join('\n')}\nexport const ${name.replaceAll('-', '')} = [${uses}]\n`,
    )
    write(`packages/${name}/src/inner.ts`, 'export const inner = 1\n')
  }
  writeManifest('apps/one', '@sluice/one', ['@sluice/runtime'])
  write('apps/one/src/main.ts', "import { runtime } from '@sluice/runtime'\nexport const app = runtime\n")
  writeManifest('apps/two', '@sluice/two', [])
  write('apps/two/src/index.ts', 'export const two = 2\n')
  writeManifest('tools/checks', '@sluice-tools/checks', [])
  write('tools/checks/src/index.ts', 'export const tool = 1\n')
  writeManifest('bench', '@sluice/bench', [])
  write('bench/src/index.ts', 'export const bench = 1\n')
})
afterEach(() => rmSync(root, { recursive: true }))

/** Installs an empty npm package in the fixture, so that its import resolves. */
function installModule(name: string) {
  write(
    `node_modules/${name}/package.json`,
    JSON.stringify({ name, version: '1.0.0', type: 'module', main: 'index.js' }),
  )
  write(`node_modules/${name}/index.js`, 'export const client = 1\n')
}

async function brokenRules(): Promise<string[]> {
  const { failures } = await checkBoundaries(root)
  return [...new Set(failures.map((failure) => failure.split(':')[0]!))].sort()
}

describe('boundaries', () => {
  it('passes a house in order, one check for each rule and two for the manifests', async () => {
    const result = await checkBoundaries(root)
    expect(result).toEqual({ passed: boundaryRules().length + 2, failures: [] })
  })

  it('the package map is free of circles and names only packages of the map', () => {
    const reach = (name: string, path: readonly string[]): void => {
      expect(path, `circle ${[...path, name].join(' -> ')}`).not.toContain(name)
      expect(packageMap).toHaveProperty([name])
      for (const next of packageMap[name]!) reach(next, [...path, name])
    }
    for (const name of Object.keys(packageMap)) reach(name, [])
  })

  it.each(
    Object.keys(packageMap).filter((name) =>
      Object.keys(packageMap).some((other) => other !== name && !packageMap[name]!.includes(other)),
    ),
  )('red: packages/%s imports a package without an arrow', async (name) => {
    const other = Object.keys(packageMap).find(
      (o) => o !== name && !packageMap[name]!.includes(o) && !packageMap[o]!.includes(name),
    )
    const target = other ?? Object.keys(packageMap).find((o) => o !== name && !packageMap[name]!.includes(o))!
    write(`packages/${name}/src/wrong.ts`, `export { ${target.replaceAll('-', '')} } from '@sluice/${target}'\n`)
    expect(await brokenRules()).toContain(`arrows-${name}`)
  })

  it('red: an import against the arrows, types only', async () => {
    write(
      'packages/columnar/src/wrong.ts',
      "import type { schemas } from '@sluice/schemas'\nexport type T = typeof schemas\n",
    )
    expect(await brokenRules()).toContain('arrows-columnar')
  })

  it('red: a deep import by name, and a path into another package', async () => {
    write('packages/schemas/src/deep.ts', "export { inner } from '@sluice/columnar/src/inner.ts'\n")
    expect(await brokenRules()).toContain('no-unresolved')
    write('packages/schemas/src/deep.ts', "export { inner } from '../../columnar/src/inner.ts'\n")
    expect(await brokenRules()).toEqual(['no-reaching-into-a-package'])
  })

  it('red: a circle of files', async () => {
    write('packages/columnar/src/a.ts', "import { b } from './b.ts'\nexport const a = () => b\n")
    write('packages/columnar/src/b.ts', "import { a } from './a.ts'\nexport const b = () => a\n")
    expect(await brokenRules()).toEqual(['no-circle'])
  })

  it('red: a package imports an app, a tool, the benchmarks', async () => {
    for (const [name, what] of [
      ['@sluice/two', 'two'],
      ['@sluice-tools/checks', 'tool'],
      ['@sluice/bench', 'bench'],
    ] as const) {
      write('packages/runtime/src/wrong.ts', `export { ${what} } from '${name}'\n`)
      expect(await brokenRules()).toContain('packages-stand-alone')
    }
  })

  it('red: an app imports another app or a tool', async () => {
    write('apps/one/src/wrong.ts', "export { two } from '@sluice/two'\n")
    expect(await brokenRules()).toContain('apps-import-packages-only')
    write('apps/one/src/wrong.ts', "export { tool } from '@sluice-tools/checks'\n")
    expect(await brokenRules()).toContain('apps-import-packages-only')
  })

  it('green: a test imports the services and the proxies; red: source does', async () => {
    for (const name of ['services', 'proxies']) {
      writeManifest(`tools/${name}`, `@sluice-tools/${name}`, [])
      write(`tools/${name}/src/index.ts`, `export const ${name} = 1\n`)
      const use = `export { ${name} as inTest } from '@sluice-tools/${name}'\n`
      write('packages/runtime/test/real.test.ts', use)
      write('apps/one/test/real.test.ts', use)
      expect(await brokenRules()).toEqual([])
      write('packages/runtime/src/wrong.ts', use)
      expect(await brokenRules()).toContain('tools-in-tests-only')
      rmSync(join(root, 'packages/runtime/src/wrong.ts'))
    }
  })

  it('red: a tool imports an app', async () => {
    write('tools/checks/src/wrong.ts', "export { two } from '@sluice/two'\n")
    expect(await brokenRules()).toContain('tools-stand-alone')
  })

  it.each(vendorClients)(
    'red: $module outside the package that drives it, green inside',
    async ({ module, packages }) => {
      const name = module.endsWith('/') ? `${module}client` : module
      installModule(name)
      const driver = packages[0]!
      const withClient = {
        dependencies: Object.fromEntries(
          [...packageMap[driver]!.map((a) => `@sluice/${a}`), name].map((d) => [d, '*']),
        ),
      }
      write(
        `packages/${driver}/package.json`,
        JSON.stringify({
          name: `@sluice/${driver}`,
          exports: { '.': { 'sluice-source': './src/index.ts' } },
          ...withClient,
        }),
      )
      write(`packages/${driver}/src/driver.ts`, `import { client } from '${name}'\nexport const c = client\n`)
      expect(await brokenRules()).toEqual([])
      write('packages/generators/src/wrong.ts', `import { client } from '${name}'\nexport const c = client\n`)
      expect(await brokenRules()).toContain(`vendor-${module.replace(/^@|\/$/g, '').replaceAll('/', '-')}`)
    },
  )

  it('red: an npm package that the manifest does not name, and one it names for development only', async () => {
    installModule('left-pad')
    write('packages/columnar/src/wrong.ts', "export { client } from 'left-pad'\n")
    expect(await brokenRules()).toEqual(['declared-dependencies'])
    const manifest = {
      name: '@sluice/columnar',
      exports: { '.': { 'sluice-source': './src/index.ts' } },
      devDependencies: { 'left-pad': '*' },
    }
    write('packages/columnar/package.json', JSON.stringify(manifest))
    expect(await brokenRules()).toEqual(['declared-dependencies'])
  })

  it('red: a workspace package that the manifest does not name, and a named one without an arrow', async () => {
    write(
      'packages/schemas/package.json',
      JSON.stringify({ name: '@sluice/schemas', exports: { '.': { 'sluice-source': './src/index.ts' } } }),
    )
    expect(await brokenRules()).toEqual(['declared-dependencies'])
    write(
      'packages/columnar/package.json',
      JSON.stringify({
        name: '@sluice/columnar',
        exports: { '.': { 'sluice-source': './src/index.ts' } },
        dependencies: { '@sluice/runtime': '*' },
      }),
    )
    expect(await brokenRules()).toContain('arrows')
  })

  it('red: a package folder that the map does not know', async () => {
    write('packages/novel/package.json', JSON.stringify({ name: '@sluice/novel' }))
    expect((await checkBoundaries(root)).failures).toContain(
      'packages/novel is not in the package map (tools/checks/src/package-map.ts)',
    )
  })
})
