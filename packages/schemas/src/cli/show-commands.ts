import { describeNode } from '@sluice/columnar/avro'
import { parseSchema, type AvroNode } from '../avro/model.ts'
import { checkCompatibility, describeProblem } from '../compatibility/check-compatibility.ts'
import { nearest } from '../contracts/nearest.ts'
import { readContractSet, type ContractFiles, type ContractSet } from '../gate/contract-set.ts'
import { diffSchemas, type SchemaChange } from '../gate/diff-schemas.ts'
import { CliError } from './cli-error.ts'
import { openBaseline } from './open-baseline.ts'
import { columnsText, jsonText, type Output } from './output.ts'

interface FolderFlags {
  readonly contracts: string
  readonly json?: boolean
}

export async function listCommand(output: Output, flags: FolderFlags): Promise<void> {
  const contracts = [...(await readContractSet(flags.contracts)).values()]
  const rows = contracts.map(({ name, format, topic = '', versions, mode }) => ({
    name,
    format,
    topic,
    versions: versions.map(({ version }) => version),
    ...(mode === undefined ? {} : { mode }),
  }))
  if (flags.json) return output.out(jsonText(rows))
  const lines = rows.map((row) => [row.name, row.format, row.topic, row.versions.map((n) => `v${n}`).join(' ')])
  output.out(columnsText([['contract', 'format', 'topic', 'versions'], ...lines]))
}

interface ShowFlags extends FolderFlags {
  readonly version?: number
}

export async function showCommand(output: Output, name: string, flags: ShowFlags): Promise<void> {
  const contract = contractNamed(await readContractSet(flags.contracts), name)
  const version = versionOf(contract, flags.version)
  if (flags.json) return output.out(jsonText(version.schema))
  const node = parseSchema(version.schema)
  output.out(`${contract.name} v${version.version}  ${version.file}\n`)
  output.out(columnsText([['field', 'type', 'default'], ...fieldRows(node, '', new Set())]))
}

interface DiffFlags extends FolderFlags {
  readonly against?: string
  readonly inside?: string
  readonly ca?: string
  readonly allowPlainAuth?: boolean
}

export async function diffCommand(
  output: Output,
  name: string,
  from: string | undefined,
  to: string | undefined,
  flags: DiffFlags,
): Promise<void> {
  const set = await readContractSet(flags.contracts)
  const contract = contractNamed(set, name)
  const after = versionOf(contract, to === undefined ? undefined : versionNumber(to))
  const wanted = from === undefined ? after.version - 1 : versionNumber(from)
  let before: { version: number; schema: typeof after.schema; shown: string }
  if (flags.against !== undefined) {
    const baseline = await openBaseline(flags.against, set, flags.contracts, { ...flags, env: output.env })
    const versions = baseline.contracts.get(contract.name)?.versions ?? []
    const last = versions.find(({ version }) => from !== undefined && version === wanted) ?? versions.at(-1)
    if (last?.schema === undefined) {
      throw new CliError('unavailable', `${baseline.name} does not hold the schema of ${contract.name}`)
    }
    before = { version: last.version, schema: last.schema, shown: `v${last.version} of ${baseline.name}` }
  } else {
    if (wanted < 1) throw new CliError('usage', `${contract.name} has one version only; compare with --against`)
    before = { ...versionOf(contract, wanted), shown: `v${wanted}` }
  }
  const changes = diffSchemas(before.schema, after.schema)
  const { format, jsonReaders } = contract
  const report = checkCompatibility(after.schema, [before], 'FULL', { format, jsonReaders })
  if (flags.json) {
    const { problems, deployFirst } = report
    return output.out(
      jsonText({ contract: contract.name, from: before.version, to: after.version, changes, problems, deployFirst }),
    )
  }
  output.out(`${contract.name}: ${before.shown} -> v${after.version}\n`)
  output.out(changes.length === 0 ? 'no difference\n' : columnsText(changes.map(changeRow)))
  for (const problem of report.problems) output.out(`breaks: ${describeProblem(problem)}\n`)
  output.out(`deploy first: ${report.deployFirst}\n`)
}

const signs: Readonly<Record<SchemaChange['kind'], string>> = {
  'field-added': '+ field',
  'field-removed': '- field',
  'field-renamed': '~ name',
  'field-moved': '~ place',
  'type-changed': '~ type',
  'default-changed': '~ default',
  'symbol-added': '+ symbol',
  'symbol-removed': '- symbol',
  'doc-changed': '~ doc',
}

function changeRow({ kind, path, before, after }: SchemaChange): string[] {
  const both = kind.endsWith('-changed') || kind === 'field-renamed'
  const what = both ? `${before ?? 'none'} -> ${after ?? 'none'}` : (after ?? before ?? '')
  return [signs[kind], path === '' ? '(schema)' : path, what]
}

function fieldRows(node: AvroNode, path: string, around: ReadonlySet<AvroNode>): string[][] {
  if (around.has(node)) return []
  const within = new Set([...around, node])
  if (node.kind === 'union') return node.branches.flatMap((branch) => fieldRows(branch, path, within))
  if (node.kind === 'array') return fieldRows(node.items, `${path}[]`, within)
  if (node.kind === 'map') return fieldRows(node.values, `${path}[]`, within)
  if (node.kind !== 'record') return []
  return node.fields.flatMap((field) => {
    const at = path === '' ? field.name : `${path}.${field.name}`
    const value = field.hasDefault ? JSON.stringify(field.default) : ''
    return [[at, typeText(field.type), value], ...fieldRows(field.type, at, within)]
  })
}

function typeText(node: AvroNode): string {
  if (node.kind === 'union') return node.branches.map(typeText).join(' | ')
  if (node.kind === 'array') return `array of ${typeText(node.items)}`
  if (node.kind === 'map') return `map of ${typeText(node.values)}`
  return node.kind === 'enum' ? `${node.name} (${node.symbols.join(', ')})` : describeNode(node)
}

/** @throws {CliError} that names the nearest */
export function contractNamed(set: ContractSet, name: string): ContractFiles {
  const found = set.get(name)
  if (found !== undefined) return found
  const close = nearest(name, [...set.keys()])
  throw new CliError('usage', `there is no contract ${name}${close === undefined ? '' : `; did you mean ${close}?`}`)
}

function versionOf(contract: ContractFiles, wanted: number | undefined): ContractFiles['versions'][number] {
  const found =
    wanted === undefined ? contract.versions.at(-1) : contract.versions.find(({ version }) => version === wanted)
  if (found === undefined) throw new CliError('usage', `${contract.name} has no version ${wanted}`)
  return found
}

function versionNumber(text: string): number {
  const match = /^v?([1-9]\d{0,5})$/.exec(text)
  if (match === null) throw new CliError('usage', `${JSON.stringify(text)} is not a version number`)
  return Number(match[1])
}
