import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The top folder of this checkout. */
export const repoRoot = resolve(import.meta.dirname, '../../..')

/** The part of a `package.json` that the checks read. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly license?: string
  readonly description?: string
  readonly workspaces?: readonly string[]
  readonly files?: readonly string[]
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** One npm workspace: `folder` is relative to the root, with `/`. */
export interface Workspace {
  readonly folder: string
  readonly manifest: Manifest
}

export function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest
}

/** Every npm workspace of the checkout, sorted by folder. */
export function listWorkspaces(root: string = repoRoot): Workspace[] {
  const patterns = readManifest(join(root, 'package.json')).workspaces ?? []
  return globSync(
    patterns.map((pattern) => `${pattern}/package.json`),
    { cwd: root },
  )
    .map((file) => file.replaceAll('\\', '/').replace(/\/package\.json$/, ''))
    .sort()
    .map((folder) => ({ folder, manifest: readManifest(join(root, folder, 'package.json')) }))
}

/** The packages that are released: workspaces that are not private, dependencies before dependents. */
export function publishablePackages(root: string = repoRoot): Workspace[] {
  const rest = new Map(
    listWorkspaces(root)
      .filter((w) => w.manifest.private !== true)
      .map((w) => [w.manifest.name, w]),
  )
  const ordered: Workspace[] = []
  while (rest.size > 0) {
    const ready = [...rest.values()].filter((w) => !internalDependencies(w.manifest).some((name) => rest.has(name)))
    if (ready.length === 0) throw new Error(`packages depend on each other in a circle: ${[...rest.keys()].join(', ')}`)
    for (const w of ready) {
      ordered.push(w)
      rest.delete(w.manifest.name)
    }
  }
  return ordered
}

/** Names of the `@sluice/*` packages that this one needs at run time. */
export function internalDependencies(manifest: Manifest): string[] {
  return Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter((name) =>
    name.startsWith('@sluice/'),
  )
}

/** Files that belong to the project: tracked, or new and not ignored; sorted, relative to the root, with `/`. Deleted ones are left out. */
export function projectFiles(root: string = repoRoot): string[] {
  const out = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  return [...new Set(out.split('\0'))].filter((file) => file !== '' && existsSync(join(root, file))).sort()
}
