import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckResult } from './result.ts'
import type { Manifest } from './workspace.ts'
import { listWorkspaces, projectFiles } from './workspace.ts'

/** Source files that may pass `maxLines`, each with why it still holds one idea. */
export const longFiles: Readonly<Record<string, string>> = {}

const maxLines = 500

/** A rule looks at the project's files and says what is against it. */
interface HouseRule {
  readonly name: string
  find(house: House): string[]
}

/** What the rules see: the files of the project, with their texts read when asked for. */
interface House {
  readonly root: string
  readonly files: readonly string[]
  text(file: string): string
}

const isText = (file: string) => !/\.(png|jpg|gif|ico|woff2?|parquet|avro|bin|gz|zst|zip|jar)$/.test(file)
const isSource = (file: string) =>
  /^(packages|apps|tools)\/[^/]+\/src\/|^bench\/src\//.test(file) && file.endsWith('.ts')

/** Lines of `file` that match, as `file:line text`. */
function matches(house: House, file: string, pattern: RegExp): string[] {
  return house
    .text(file)
    .split('\n')
    .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1} ${line.trim().slice(0, 100)}`] : []))
}

// Spelled in parts, so that this file does not break the rules it states.
const registryHost = new RegExp(
  [
    'registry\\.npmjs' + '\\.org',
    'registry\\.yarnpkg' + '\\.com',
    'repo1?\\.maven' + '\\.(org|apache)',
    'files\\.pythonhosted' + '\\.org',
    '\\bpypi' + '\\.org/simple',
    'proxy\\.golang' + '\\.org',
  ].join('|'),
)
const machinePath = new RegExp(`(^|[\\s'"\`(=:])/(${['work', 'root', 'home', 'Users'].join('|')})/[A-Za-z0-9_.]`)

export const houseRules: readonly HouseRule[] = [
  {
    name: 'file-length',
    find: (house) =>
      house.files
        .filter((file) => isSource(file) && !file.includes('/generated/') && longFiles[file] === undefined)
        .map((file) => [file, house.text(file).trimEnd().split('\n').length] as const)
        .filter(([, lines]) => lines > maxLines)
        .map(
          ([file, lines]) =>
            `${file} has ${lines} lines, more than ${maxLines}: split it by idea, or list it with a reason in tools/checks/src/house.ts`,
        ),
  },
  {
    name: 'long-files-list',
    find: (house) =>
      Object.keys(longFiles)
        .filter((file) => !house.files.includes(file))
        .map((file) => `${file} is listed as long but does not exist`),
  },
  {
    name: 'no-catch-all-file',
    find: (house) =>
      house.files
        .filter(
          (file) =>
            /(^|\/)(utils?|helpers?|common|misc|stuff)(\.[^/]+)?(\/|$)/i.test(file) && /\.[cm]?[jt]s$/.test(file),
        )
        .map((file) => `${file}: name the file after its idea`),
  },
  {
    name: 'environment-at-the-edge',
    find: (house) =>
      house.files
        .filter(
          (file) => /^packages\/(?!runtime\/)[^/]+\/src\/(?!(?:.*\/)?main\.ts$)/.test(file) && file.endsWith('.ts'),
        )
        .flatMap((file) => matches(house, file, /\bprocess\.env\b|import\.meta\.env\b/))
        .map(
          (hit) =>
            `${hit}: packages take options; only runtime, programs (main.ts), apps and tools read the environment`,
        ),
  },
  {
    name: 'no-registry-host',
    find: (house) =>
      house.files
        .filter(isText)
        .flatMap((file) => matches(house, file, registryHost))
        .map((hit) => `${hit}: registries are the machine's own setting`),
  },
  {
    name: 'no-machine-path',
    find: (house) =>
      house.files
        .filter(isText)
        .flatMap((file) => matches(house, file, machinePath))
        .map((hit) => `${hit}: a path of one machine`),
  },
  {
    name: 'tests-are-run',
    find: (house) =>
      listWorkspaces(house.root).flatMap(({ folder, manifest }) => {
        const hasTests = globSync(`${folder}/test/**/*.test.ts`, { cwd: house.root }).length > 0
        const script = manifest.scripts?.test
        if (hasTests && script === undefined)
          return [`${folder} has tests but no test script: make test would not run them`]
        if (!hasTests && script !== undefined) return [`${folder} has a test script but no test`]
        const ownScript = `vitest run --root ${'../'.repeat(folder.split('/').length).slice(0, -1)} ${folder}/`
        if (script !== undefined && script !== ownScript)
          return [`${folder}: the test script is '${script}', expected '${ownScript}'`]
        return []
      }),
  },
  {
    name: 'manifests',
    find: (house) =>
      listWorkspaces(house.root).flatMap(({ folder, manifest }) => {
        const missing = manifestGaps(manifest)
        if (manifest.private !== true && !existsSync(join(house.root, folder, 'tsconfig.build.json')))
          missing.push('tsconfig.build.json')
        return missing.map((what) => `${folder}: ${what} is missing or wrong`)
      }),
  },
  {
    name: 'lock-is-whole',
    find: (house) =>
      existsSync(join(house.root, 'package-lock.json'))
        ? lockGaps(JSON.parse(house.text('package-lock.json')) as Lock)
        : ['package-lock.json is missing'],
  },
]

function manifestGaps(manifest: Manifest): string[] {
  const gaps: string[] = []
  if (manifest.license !== 'Apache-2.0') gaps.push('license')
  if (!manifest.description) gaps.push('description')
  if (manifest.private === true) return gaps
  const full = manifest as Manifest & {
    type?: string
    engines?: { node?: string }
    sideEffects?: unknown
    publishConfig?: { access?: string; provenance?: boolean }
    repository?: { directory?: string }
  }
  if (full.type !== 'module') gaps.push('type: module')
  if (!full.engines?.node) gaps.push('engines.node')
  if (full.sideEffects === undefined) gaps.push('sideEffects')
  if (!full.exports?.['.']) gaps.push('exports["."]')
  if (!full.files?.includes('dist')) gaps.push('files with dist')
  if (full.publishConfig?.access !== 'public' || full.publishConfig.provenance !== true)
    gaps.push('publishConfig (access, provenance)')
  if (!full.repository?.directory) gaps.push('repository.directory')
  if (!full.scripts?.build) gaps.push('the build script')
  return gaps
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >
}

/**
 * Optional dependencies without an entry: `npm ci` refuses such a lock wherever that package can be had.
 * (npm leaves them out when the registry of the machine that wrote the lock does not carry them.)
 */
export function lockGaps(lock: Lock): string[] {
  return Object.entries(lock.packages).flatMap(([at, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {})
      .filter(
        (name) =>
          lock.packages[`${at}/node_modules/${name}`] === undefined &&
          lock.packages[`node_modules/${name}`] === undefined,
      )
      .map((name) => `package-lock.json: ${at || 'the root'} may need ${name}, which the lock does not hold`),
  )
}

/** Runs every house rule; a rule is one check, each place against it one failure. */
export async function checkHouse(root: string, files: readonly string[] = projectFiles(root)): Promise<CheckResult> {
  const texts = new Map<string, string>()
  const house: House = {
    root,
    files,
    text(file) {
      const known = texts.get(file)
      if (known !== undefined) return known
      const text = readFileSync(join(root, file), 'utf8')
      texts.set(file, text)
      return text
    },
  }
  const found = houseRules.map((rule) => rule.find(house).map((text) => `${rule.name}: ${text}`))
  return { passed: found.filter((list) => list.length === 0).length, failures: found.flat() }
}
