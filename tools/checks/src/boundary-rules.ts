import type { IForbiddenRuleType } from 'dependency-cruiser'
import { packageMap, vendorClients } from './package-map.ts'

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')

/** Tools that tests import by name: `@sluice-tools/services`, `@sluice-tools/proxies`. */
const testTools = '^tools/(services|proxies)/'

/**
 * The rules of dependency-cruiser, made from the package map.
 * Paths are those of files after resolution: a workspace import ends at its `src`, whatever name it was imported by.
 */
export function boundaryRules(): IForbiddenRuleType[] {
  const rules: IForbiddenRuleType[] = [
    {
      name: 'no-circle',
      comment: 'two files that need each other are one file, or need a third',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-unresolved',
      comment: 'the module does not exist, or the package does not export this path (deep imports end here)',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-reaching-into-a-package',
      comment: 'import another package by its name, never by a path into its folder',
      severity: 'error',
      from: { path: '^((?:packages|apps|tools)/[^/]+|bench)/' },
      to: {
        path: '^((?:packages|apps|tools)/[^/]+|bench)/',
        pathNot: '^$1/',
        dependencyTypes: ['local', 'localmodule'],
      },
    },
    {
      name: 'packages-stand-alone',
      comment:
        'a package never imports an app, a tool or the benchmarks; its tests may use real services and faulty networks',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(apps|tools|bench)/', pathNot: testTools },
    },
    {
      name: 'apps-import-packages-only',
      comment:
        'an app never imports another app, a tool or the benchmarks; its tests may use real services and faulty networks',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^(apps|tools|bench)/', pathNot: `^apps/$1/|${testTools}` },
    },
    {
      name: 'tools-in-tests-only',
      comment: 'what is published or shipped starts no services for tests',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/' },
      to: { path: testTools },
    },
    {
      name: 'tools-stand-alone',
      comment: 'tools start services and check the house; they know no app and no benchmark',
      severity: 'error',
      from: { path: '^tools/' },
      to: { path: '^(apps|bench)/' },
    },
    {
      name: 'declared-dependencies',
      comment: 'what the source of a package imports is in its own dependencies or peerDependencies',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'],
        pathNot: '^packages/',
      },
    },
  ]
  for (const [name, allowed] of Object.entries(packageMap)) {
    rules.push({
      name: `arrows-${name}`,
      comment: `packages/${name} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other package'} (tools/checks/src/package-map.ts)`,
      severity: 'error',
      from: { path: `^packages/${escaped(name)}/` },
      to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].map(escaped).join('|')})/` },
    })
  }
  for (const { module, packages } of vendorClients) {
    const slash = module.endsWith('/') ? '' : '/'
    rules.push({
      name: `vendor-${module.replace(/^@|\/$/g, '').replaceAll('/', '-')}`,
      comment: `${module} is driven by ${packages.map((p) => `packages/${p}`).join(', ')} only`,
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: `^packages/(${packages.map(escaped).join('|')})/` },
      to: { path: `node_modules/${escaped(module)}${slash}|^${escaped(module)}($|/)` },
    })
  }
  return rules
}
