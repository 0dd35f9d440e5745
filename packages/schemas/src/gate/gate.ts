import {
  checkCompatibility,
  type CompatibilityMode,
  type EarlierVersion,
  type ReadDirection,
} from '../compatibility/check-compatibility.ts'
import type { CompatibilityRule } from '../compatibility/problem.ts'
import type { Baseline, BaselineContract } from './baseline.ts'
import type { ContractFiles, ContractSet, VersionFile } from './contract-set.ts'
import { lineOf } from './line-of.ts'

/** What a change of files can break besides what one schema reads of another. Codes are stable. */
export const gateRules = {
  released_version_edited: 'a version that is out there says something else now: put it back, and add a version',
  released_version_removed: 'a version that is out there is gone: put it back, data of it still has to be read',
  contract_removed: 'a contract that is out there is gone: put it back, or retire it by a decision of all its readers',
  version_gap: 'versions are v1, v2, ... without a gap',
  format_changed: 'the encoding of a topic changed: no reader can read both, use a new topic',
  topic_changed: 'the topic changed: readers wait at the old one, make it a new contract',
  key_changed: 'the key changed: order and compaction of the topic break, use a new topic',
  field_id_changed: 'a column id changed or is gone: files written before would be read wrongly',
} as const

export type GateRule = CompatibilityRule | keyof typeof gateRules

/** One reason not to let a change pass. */
export interface GateProblem {
  readonly contract: string
  /** Version that is refused; absent when it is about the contract. */
  readonly version?: number
  /** Place in the schema: `lines[].price`; empty for the whole. */
  readonly path: string
  readonly rule: GateRule
  readonly message: string
  /** Who cannot read whom; `both` for what no side survives. */
  readonly direction: ReadDirection | 'both'
  /** Earlier version it is about. */
  readonly against?: number
  /** Who would have to deploy first if the change were made all the same; `none`: no order is safe. */
  readonly deployFirst: 'readers' | 'writers' | 'none'
  readonly file: string
  /** From 1, in `file`. */
  readonly line: number
}

/** A version that the baseline does not have, and in what order it may be deployed. */
export interface NewVersion {
  readonly contract: string
  readonly version: number
  readonly mode: CompatibilityMode
  readonly compatible: boolean
  readonly deployFirst: 'readers' | 'writers' | 'either' | 'none'
}

export interface GateReport {
  readonly against: string
  readonly passed: boolean
  readonly contracts: number
  readonly newContracts: readonly string[]
  readonly newVersions: readonly NewVersion[]
  readonly problems: readonly GateProblem[]
}

/** Unless a contract or the caller says otherwise: nobody breaks, whoever is deployed first, however old the data. */
export const defaultMode: CompatibilityMode = 'FULL_TRANSITIVE'

export interface GateOptions {
  /** Mode for all contracts; default what each says in `contract.json` (`compatibility`), or FULL_TRANSITIVE. */
  readonly mode?: CompatibilityMode
}

/**
 * Holds contracts against what is out there: nothing that was released may change, and every version that is new must be
 * compatible with the versions before it. Pure.
 */
export function checkContracts(current: ContractSet, baseline: Baseline, options: GateOptions = {}): GateReport {
  const problems: GateProblem[] = []
  const newVersions: NewVersion[] = []
  const newContracts: string[] = []
  for (const contract of current.values()) {
    const released = baseline.contracts.get(contract.name)
    if (released === undefined) newContracts.push(contract.name)
    else problems.push(...releasedProblems(contract, released, baseline))
    problems.push(...gaps(contract))
    const mode = options.mode ?? contract.mode ?? defaultMode
    newVersions.push(...checkNew(contract, released, baseline.numbered, mode, problems))
  }
  for (const name of baseline.contracts.keys()) {
    if (baseline.complete && !current.has(name)) {
      problems.push(broken(name, 'contract_removed', { file: name.replaceAll('.', '/') }))
    }
  }
  return {
    against: baseline.name,
    passed: problems.length === 0,
    contracts: current.size,
    newContracts,
    newVersions,
    problems,
  }
}

function releasedProblems(contract: ContractFiles, released: BaselineContract, baseline: Baseline): GateProblem[] {
  const problems: GateProblem[] = []
  const file = `${contract.folder}/contract.json`
  for (const { version, matches } of released.versions) {
    if (baseline.numbered) {
      const now = contract.versions.find((candidate) => candidate.version === version)
      const gone = `${contract.folder}/v${version}.avsc`
      if (now === undefined) problems.push(broken(contract.name, 'released_version_removed', { version, file: gone }))
      else if (!matches(now.text)) {
        problems.push(broken(contract.name, 'released_version_edited', { version, file: now.file }))
      }
    } else if (!contract.versions.some(({ text }) => matches(text))) {
      const message = `version ${version} of ${baseline.name} is none of the versions here`
      problems.push(broken(contract.name, 'released_version_removed', { file: contract.folder, message }))
    }
  }
  if (released.format !== contract.format) problems.push(broken(contract.name, 'format_changed', { file }))
  if (baseline.numbered && released.topic !== contract.topic) {
    problems.push(broken(contract.name, 'topic_changed', { file }))
  }
  if (baseline.numbered && String(released.key) !== String(contract.key)) {
    problems.push(broken(contract.name, 'key_changed', { file }))
  }
  for (const [path, id] of Object.entries(released.fieldIds)) {
    if (contract.fieldIds[path] !== id) {
      problems.push(broken(contract.name, 'field_id_changed', { path, file: `${contract.folder}/field-ids.json` }))
    }
  }
  return problems
}

function gaps({ name, versions, folder }: ContractFiles): GateProblem[] {
  const missing = versions.map((_, i) => i + 1).find((number) => !versions.some(({ version }) => version === number))
  if (missing === undefined) return []
  return [broken(name, 'version_gap', { file: `${folder}/v${missing}.avsc`, version: missing })]
}

/** Versions that the baseline does not have, each against all before it. */
function checkNew(
  contract: ContractFiles,
  released: BaselineContract | undefined,
  numbered: boolean,
  mode: CompatibilityMode,
  problems: GateProblem[],
): NewVersion[] {
  const known = (file: VersionFile): boolean =>
    released?.versions.some((one) => (numbered ? one.version === file.version : one.matches(file.text))) ?? false
  const found: NewVersion[] = []
  contract.versions.forEach((file, i) => {
    if (known(file)) return
    // Where a released version was edited, readers still have what was released.
    const earlier: EarlierVersion[] = contract.versions.slice(0, i).map(({ version: number, schema }) => {
      const out = numbered ? released?.versions.find((one) => one.version === number)?.schema : undefined
      return { version: number, schema: out ?? schema }
    })
    const { format, jsonReaders, name } = contract
    const report = checkCompatibility(file.schema, earlier, mode, { format, jsonReaders })
    const { version } = file
    found.push({ contract: name, version, mode, compatible: report.compatible, deployFirst: report.deployFirst })
    for (const { path, rule, message, direction, deployFirst, version: against } of report.problems) {
      const line = lineOf(file.text, path)
      problems.push({
        ...{ contract: name, version, path, rule, message, direction, against, deployFirst },
        file: file.file,
        line,
      })
    }
  })
  return found
}

function broken(
  contract: string,
  rule: keyof typeof gateRules,
  details: { file: string; version?: number; path?: string; message?: string },
): GateProblem {
  const { version, path = '', message = gateRules[rule], file } = details
  return {
    contract,
    ...(version === undefined ? {} : { version }),
    path,
    rule,
    message,
    direction: 'both',
    deployFirst: 'none',
    file,
    line: 1,
  }
}
