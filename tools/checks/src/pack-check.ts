import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { runCommand } from './command.ts'
import type { Packed } from './pack/consumer.ts'
import { importEach, importPaths, installConsumer, optionalPeers, typeCheckConsumer } from './pack/consumer.ts'
import { contentProblems, tarballFiles, undeclaredImports } from './pack/tarball.ts'
import { vendorClients } from './package-map.ts'
import type { CheckResult } from './result.ts'
import { joinResults } from './result.ts'
import type { Workspace } from './workspace.ts'
import { publishablePackages, repoRoot } from './workspace.ts'

const binary = (name: string) => join(repoRoot, 'node_modules/.bin', name)
const check = (name: string, problems: readonly string[]): CheckResult =>
  problems.length === 0
    ? { passed: 1, failures: [] }
    : { passed: 0, failures: problems.map((problem) => `${name}: ${problem}`) }

/**
 * Does to every publishable package what a release and its users do: build, pack, look into the tarball, install all tarballs
 * in an empty folder, import every export path under plain Node, type-check a strict user. Packages come dependencies first.
 */
export async function checkPack(root: string): Promise<CheckResult> {
  const work = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-pack-')))
  try {
    const packages = publishablePackages(root)
    if (packages.length === 0) return { passed: 0, failures: ['there is no package to publish'] }
    const results: CheckResult[] = []
    const packed: Packed[] = []
    for (const workspace of packages) {
      const built = await buildPackage(root, workspace)
      results.push(built)
      // A package that does not build cannot be packed; the others still show what is wrong with them.
      if (built.failures.length > 0) continue
      const one = await packPackage(root, workspace, work)
      packed.push(one)
      results.push(await inspectPackage(root, workspace, one))
    }
    if (packed.length === packages.length) results.push(await useAsConsumer(work, packed))
    else
      results.push({
        passed: 0,
        failures: ['the tarballs were not installed, because not every package could be built'],
      })
    return joinResults(results)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function buildPackage(root: string, { folder, manifest }: Workspace): Promise<CheckResult> {
  rmSync(join(root, folder, 'dist'), { recursive: true, force: true })
  const end = await runCommand(binary('tsc'), ['-p', 'tsconfig.build.json', '--pretty', 'false'], {
    cwd: join(root, folder),
  })
  return check(`${manifest.name} build`, end.code === 0 ? [] : [end.output.trim() || `tsc ended with ${end.code}`])
}

async function packPackage(root: string, { folder, manifest }: Workspace, work: string): Promise<Packed> {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', work]
  const end = await runCommand('npm', args, { cwd: join(root, folder) })
  const tarball = join(work, `${manifest.name.replace(/^@/, '').replaceAll('/', '-')}-${manifest.version}.tgz`)
  if (end.code !== 0 || !existsSync(tarball)) throw new Error(`npm pack of ${manifest.name} failed:\n${end.output}`)
  return { manifest, tarball }
}

/** What can be told from one package alone. */
async function inspectPackage(
  root: string,
  { folder, manifest }: Workspace,
  { tarball }: Packed,
): Promise<CheckResult> {
  const data = readFileSync(tarball)
  const lint = await publint({
    pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer },
    level: 'warning',
    strict: false,
  })
  const types = await runCommand(
    binary('attw'),
    [tarball, '--profile', 'esm-only', '--no-color', '--format', 'ascii', '--no-emoji'],
    { cwd: root },
  )
  return joinResults([
    check(`${manifest.name} contents`, contentProblems(tarballFiles(tarball), manifest)),
    check(`${manifest.name} imports`, undeclaredImports(join(root, folder), manifest)),
    check(
      `${manifest.name} publint`,
      lint.messages.map((message) => formatMessage(message, lint.pkg, { color: false }) ?? message.code),
    ),
    check(`${manifest.name} attw`, types.code === 0 ? [] : [types.output.trim()]),
  ])
}

/** What only shows when the tarballs are used together. */
async function useAsConsumer(work: string, packed: readonly Packed[]): Promise<CheckResult> {
  const paths = packed.flatMap((p) => importPaths(p.manifest))
  const peers: Record<string, string> = Object.assign({}, ...packed.map((p) => optionalPeers(p.manifest))) as Record<
    string,
    string
  >
  const results: CheckResult[] = []

  // First as a user who takes nothing optional: the main entry of each package works.
  const plain = join(work, 'plain')
  await installConsumer(plain, packed)
  const mains = packed.map((p) => p.manifest.name)
  results.push(await importEach(plain, mains, new Set()))
  const rest = await importEach(
    plain,
    paths.filter((path) => !mains.includes(path)),
    new Set(Object.keys(peers)),
  )
  results.push({ passed: 0, failures: rest.failures })

  // Then with the optional peers: everything works, and everything has types.
  const full = join(work, 'full')
  await installConsumer(full, packed, peers)
  results.push(await importEach(full, paths, new Set()))
  results.push(
    await typeCheckConsumer(full, paths, { tsc: binary('tsc'), typeRoots: join(repoRoot, 'node_modules/@types') }),
  )

  const core = packed.find((p) => p.manifest.name === '@sluice/ingest-core')
  if (core !== undefined) {
    const alone = join(work, 'core')
    mkdirSync(alone)
    // The packages it stands on come along as tarballs: they are not in a registry yet.
    await installConsumer(
      alone,
      packed.filter((p) => p === core || p.manifest.name in (core.manifest.dependencies ?? {})),
    )
    const brought = vendorClients
      .map(({ module }) => module.replace(/\/$/, ''))
      .filter((module) => existsSync(join(alone, 'node_modules', module)))
    results.push(
      check(
        '@sluice/ingest-core alone',
        brought.map((module) => `brings the vendor client ${module}`),
      ),
    )
  }
  return joinResults(results)
}
