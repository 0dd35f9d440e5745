import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../command.ts'
import type { CheckResult } from '../result.ts'
import type { Manifest } from '../workspace.ts'

/** A packed package: its manifest and where its tarball lies. */
export interface Packed {
  readonly manifest: Manifest
  readonly tarball: string
}

/** Every path by which a package can be imported: `@sluice/x`, `@sluice/x/conformance`. Patterns and package.json are left out. */
export function importPaths(manifest: Manifest): string[] {
  return Object.keys(manifest.exports ?? {})
    .filter((path) => !path.includes('*') && path !== './package.json')
    .map((path) => manifest.name + path.slice(1))
}

/** Peers that a user may leave out. */
export function optionalPeers(manifest: Manifest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(manifest.peerDependencies ?? {}).filter(
      ([name]) => manifest.peerDependenciesMeta?.[name]?.optional === true,
    ),
  )
}

/**
 * Makes an empty project in `folder` and installs tarballs (and `more` from the registry) into it, without running install scripts.
 * @throws when npm fails, with what it printed
 */
export async function installConsumer(
  folder: string,
  packed: readonly Packed[],
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  // Ours last: a peer that is one of our own packages is its tarball, never a version to look for in the registry.
  const dependencies = { ...more, ...Object.fromEntries(packed.map((p) => [p.manifest.name, `file:${p.tarball}`])) }
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies }),
  )
  const end = await runCommand(
    'npm',
    ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: folder },
  )
  if (end.code !== 0) throw new Error(`npm install of the tarballs failed:\n${end.output.trim()}`)
}

/**
 * Imports each path in a Node process of its own, as users do: no conditions, no loaders.
 * @param missing names of packages that may be missing: an import that fails for the want of one of them is not counted
 */
export async function importEach(
  folder: string,
  paths: readonly string[],
  missing: ReadonlySet<string>,
): Promise<CheckResult> {
  const failures: string[] = []
  let passed = 0
  for (const path of paths) {
    const script = `const m = await import(${JSON.stringify(path)}); if (Object.keys(m).length === 0) throw new Error('exports nothing')`
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS' && name !== 'NODE_PATH'),
    )
    const end = await runCommand(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: folder,
      env,
      timeoutMs: 60_000,
    })
    const wanted = /Cannot find package '([^']+)'/.exec(end.output)?.[1]
    if (end.code === 0) passed++
    else if (wanted === undefined || !missing.has(wanted))
      failures.push(`import '${path}' from the tarball: ${firstLines(end.output)}`)
  }
  return { passed, failures }
}

/**
 * Type-checks a module that imports every path, as the strictest user would (strict, NodeNext, declarations checked too).
 * Errors inside other people's declarations are theirs and left out.
 */
export async function typeCheckConsumer(
  folder: string,
  paths: readonly string[],
  tools: { tsc: string; typeRoots: string },
): Promise<CheckResult> {
  const lines = paths.map(
    (path, i) => `import * as m${i} from '${path}'\nexport const names${i}: string[] = Object.keys(m${i})\n`,
  )
  writeFileSync(join(folder, 'consumer.ts'), lines.join(''))
  const compilerOptions = {
    target: 'ES2024',
    lib: ['ES2024', 'ESNext'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    typeRoots: [tools.typeRoots],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
  const end = await runCommand(tools.tsc, ['-p', 'tsconfig.json', '--pretty', 'false'], { cwd: folder })
  const errors = end.output.split('\n').filter((line) => /error TS\d+/.test(line))
  const ours = errors.filter((line) => !/^(\.\.\/)*\S*node_modules\/(?!@sluice\/)/.test(line))
  if (ours.length > 0) return { passed: 0, failures: ours.map((line) => `types of the tarballs: ${line}`) }
  if (end.code !== 0 && errors.length === 0)
    return { passed: 0, failures: [`types of the tarballs: tsc did not run: ${firstLines(end.output)}`] }
  return { passed: 1, failures: [] }
}

const firstLines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
    .slice(0, 6)
    .join(' | ')
