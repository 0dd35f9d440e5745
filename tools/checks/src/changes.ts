import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runCommand } from './command.ts'
import type { CheckResult } from './result.ts'
import { listWorkspaces, repoRoot } from './workspace.ts'

interface ReleasePlan {
  readonly releases: readonly {
    readonly name: string
    readonly type: string
    readonly oldVersion: string
    readonly newVersion: string
  }[]
}

/**
 * A dry release: the change notes are applied to a copy of the manifests, in a repository of its own, so that neither a remote nor the
 * state of this checkout matters. What it would publish is printed: packages,
 * versions, changelogs. Three checks: the notes can be read, every version is applied, and workspaces agree on each other afterwards.
 */
export async function checkChanges(root: string): Promise<CheckResult> {
  const copy = mkdtempSync(join(tmpdir(), 'sluice-release-'))
  try {
    await copyManifests(root, copy)
    const changeset = join(repoRoot, 'node_modules/.bin/changeset')
    const status = await runCommand(changeset, ['status', '--output=plan.json'], { cwd: copy })
    if (status.code !== 0)
      return { passed: 0, failures: [`changeset status ended with ${status.code}: ${status.output.trim()}`] }
    const plan = JSON.parse(readFileSync(join(copy, 'plan.json'), 'utf8')) as ReleasePlan
    for (const release of plan.releases)
      console.log(`${release.name} ${release.oldVersion} -> ${release.newVersion} (${release.type})`)
    const version = await runCommand(changeset, ['version'], { cwd: copy })
    if (version.code !== 0)
      return { passed: 1, failures: [`changeset version ended with ${version.code}: ${version.output.trim()}`] }
    for (const text of changelogs(copy, plan)) console.log(`\n${text}`)
    const applied = notApplied(copy, plan)
    const agreed = disagreements(copy)
    return {
      passed: 1 + (applied.length === 0 ? 1 : 0) + (agreed.length === 0 ? 1 : 0),
      failures: [...applied, ...agreed],
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

async function copyManifests(root: string, copy: string): Promise<void> {
  const files = ['package.json', ...listWorkspaces(root).map(({ folder }) => `${folder}/package.json`)]
  for (const file of files) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file))
  }
  cpSync(join(root, '.changeset'), join(copy, '.changeset'), { recursive: true })
  symlinkSync(join(repoRoot, 'node_modules'), join(copy, 'node_modules'), 'dir')
  writeFileSync(join(copy, '.gitignore'), 'node_modules\n')
  // changesets knows npm workspaces by their lock.
  writeFileSync(join(copy, 'package-lock.json'), '{}\n')
  const identity = ['-c', 'user.name=check', '-c', 'user.email=check@example.invalid', '-c', 'commit.gpgsign=false']
  for (const args of [
    ['init', '--quiet', '--initial-branch=main'],
    ['add', '--all'],
    [...identity, 'commit', '--quiet', '--no-verify', '--message', 'manifests'],
  ]) {
    const end = await runCommand('git', args, { cwd: copy })
    if (end.code !== 0) throw new Error(`git ${args.join(' ')} failed: ${end.output}`)
  }
}

/** What each package of the plan would add to its changelog, below a line with its name. */
function changelogs(copy: string, plan: ReleasePlan): string[] {
  return listWorkspaces(copy).flatMap(({ folder, manifest }) => {
    const file = join(copy, folder, 'CHANGELOG.md')
    const release = plan.releases.find(({ name }) => name === manifest.name)
    if (release === undefined || manifest.private === true || !existsSync(file)) return []
    // The newest release comes first, each below a heading of the second level.
    const newest = readFileSync(file, 'utf8').split(/^(?=## )/m)[1]
    return newest === undefined ? [] : [`--- ${manifest.name}/CHANGELOG.md\n${newest.trim()}`]
  })
}

/** Releases of the plan whose version or changelog is not there, and packages that would never be released. */
function notApplied(copy: string, plan: ReleasePlan): string[] {
  return listWorkspaces(copy).flatMap(({ folder, manifest }) => {
    if (manifest.private === true) return []
    const release = plan.releases.find((r) => r.name === manifest.name)
    if (release === undefined) {
      return manifest.version === '0.0.0' ? [`${manifest.name} was never released and no change note names it`] : []
    }
    const problems: string[] = []
    if (manifest.version !== release.newVersion)
      problems.push(`${manifest.name} should become ${release.newVersion} but is ${manifest.version}`)
    if (!existsSync(join(copy, folder, 'CHANGELOG.md'))) problems.push(`${manifest.name} gets no changelog`)
    return problems
  })
}

/** Workspaces that ask for another version of a workspace than there is: npm would look for it in a registry. */
function disagreements(copy: string): string[] {
  const workspaces = listWorkspaces(copy)
  const versions = new Map(workspaces.map(({ manifest }) => [manifest.name, manifest.version]))
  return workspaces.flatMap(({ folder, manifest }) =>
    Object.entries({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.peerDependencies })
      .filter(([name, range]) => versions.has(name) && range.replace(/^[\^~]/, '') !== versions.get(name))
      .map(([name, range]) => `${folder} asks for ${name} ${range}, but it would be ${versions.get(name)}`),
  )
}
