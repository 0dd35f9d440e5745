import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ICruiseResult } from 'dependency-cruiser'
import { cruise } from 'dependency-cruiser'
import { boundaryRules } from './boundary-rules.ts'
import { packageMap } from './package-map.ts'
import type { CheckResult } from './result.ts'
import type { Manifest } from './workspace.ts'
import { internalDependencies, listWorkspaces } from './workspace.ts'

const codeFolders = ['packages', 'apps', 'tools', 'bench']

/**
 * Holds every import of the workspace against the package map: one way, by name, no circles, vendor clients in their place.
 * Each rule is one check; each import against a rule is one failure, with the file and what it imports.
 */
export async function checkBoundaries(root: string): Promise<CheckResult> {
  const rules = boundaryRules()
  const failures: string[] = []
  for (const name of readdirSync(join(root, 'packages'))) {
    if (packageMap[name] === undefined)
      failures.push(`packages/${name} is not in the package map (tools/checks/src/package-map.ts)`)
  }
  const { output } = await cruise(
    codeFolders.filter((folder) => existsSync(join(root, folder))),
    {
      baseDir: root,
      ruleSet: { forbidden: rules },
      validate: true,
      outputType: 'json',
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '(^|/)(dist|generated|node_modules/\\.cache)/' },
      tsPreCompilationDeps: true,
      combinedDependencies: false,
      moduleSystems: ['es6', 'cjs'],
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['sluice-source', 'import', 'node', 'types', 'default'],
        extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
        mainFields: ['module', 'main', 'types'],
      },
    },
  )
  const result = (typeof output === 'string' ? JSON.parse(output) : output) as ICruiseResult
  if (result.summary.totalCruised === 0) failures.push('no file was looked at')
  const broken = new Set<string>()
  for (const violation of result.summary.violations) {
    broken.add(violation.rule.name)
    const rule = rules.find((r) => r.name === violation.rule.name)
    const way = violation.cycle
      ? `${violation.from} -> ${violation.cycle.map((step) => step.name).join(' -> ')}`
      : `${violation.from} -> ${violation.to}`
    failures.push(`${violation.rule.name}: ${way}${rule?.comment ? ` (${rule.comment})` : ''}`)
  }
  const undeclared = undeclaredInternals(root, result)
  const arrows = undrawnArrows(root)
  failures.push(...undeclared, ...arrows)
  const own = (undeclared.length === 0 ? 1 : 0) + (arrows.length === 0 ? 1 : 0)
  return { passed: rules.length - broken.size + own, failures }
}

/** Imports of `@sluice/*` by source whose own manifest does not name that package (a link in node_modules hides this until publication). */
function undeclaredInternals(root: string, result: ICruiseResult): string[] {
  const failures = new Set<string>()
  const workspaces = listWorkspaces(root)
  for (const file of result.modules) {
    const owner = workspaces.find((w) => file.source.startsWith(`${w.folder}/src/`))
    if (owner === undefined) continue
    for (const { module } of file.dependencies) {
      const name = /^@sluice\/[^/]+/.exec(module)?.[0]
      if (name === undefined || name === owner.manifest.name || declares(owner.manifest, name)) continue
      failures.add(
        `declared-dependencies: ${file.source} imports ${name}, which ${owner.folder}/package.json does not name`,
      )
    }
  }
  return [...failures]
}

const declares = (manifest: Manifest, name: string) => internalDependencies(manifest).includes(name)

/** Dependencies in manifests that the package map has no arrow for. */
function undrawnArrows(root: string): string[] {
  return listWorkspaces(root)
    .filter((w) => w.folder.startsWith('packages/'))
    .flatMap(({ folder, manifest }) => {
      const allowed = packageMap[folder.slice('packages/'.length)] ?? []
      return internalDependencies(manifest)
        .filter((name) => !allowed.includes(name.slice('@sluice/'.length)))
        .map((name) => `arrows: ${folder}/package.json names ${name}, for which the package map has no arrow`)
    })
}
