import type { CompatibilityMode } from '../compatibility/check-compatibility.ts'
import { SchemaError } from '../errors.ts'
import { subjectOf } from '../gate/baseline.ts'
import { readContractSet } from '../gate/contract-set.ts'
import { exitCodes } from './cli-error.ts'
import { openRegistry } from './open-registry.ts'
import { columnsText, jsonText, type Output } from './output.ts'
import { contractNamed } from './show-commands.ts'

interface RegisterFlags {
  readonly registry: string
  readonly contracts: string
  readonly setMode?: CompatibilityMode
  readonly dryRun?: boolean
  readonly json?: boolean
  readonly ca?: string
  readonly allowPlainAuth?: boolean
}

interface Outcome {
  readonly contract: string
  readonly version: number
  readonly subject: string
  readonly outcome: 'registered' | 'would be taken' | 'refused'
  readonly id?: number
  readonly reason?: string
}

/**
 * Registers versions in order, so that the registry numbers them as the files do; what is there already stays. A version
 * that is refused ends its contract, the others go on.
 */
export async function registerCommand(output: Output, names: readonly string[], flags: RegisterFlags): Promise<void> {
  const set = await readContractSet(flags.contracts)
  const chosen = names.length === 0 ? [...set.values()] : names.map((name) => contractNamed(set, name))
  const { registry } = await openRegistry(flags.registry, { ...flags, env: output.env })
  const outcomes: Outcome[] = []
  try {
    for (const contract of chosen) {
      // Events in JSON carry no schema id: nothing looks them up.
      if (contract.format === 'json') continue
      const subject = subjectOf(contract)
      if (flags.setMode !== undefined && !flags.dryRun) await registry.setMode(subject, flags.setMode)
      for (const { version, schema } of contract.versions) {
        const at = { contract: contract.name, version, subject }
        try {
          if (flags.dryRun) {
            const { compatible, messages } = await registry.accepts(subject, schema)
            const reason = messages.join('; ')
            outcomes.push({ ...at, outcome: compatible ? 'would be taken' : 'refused', ...(reason && { reason }) })
          } else {
            outcomes.push({ ...at, outcome: 'registered', id: await registry.register(subject, schema) })
          }
        } catch (error) {
          if (!(error instanceof SchemaError) || error.code !== 'REGISTRY_REFUSED') throw error
          outcomes.push({ ...at, outcome: 'refused', reason: error.message })
          break
        }
      }
    }
  } finally {
    if ('close' in registry) registry.close()
  }
  const rows = outcomes.map(({ contract, version, subject, outcome, id, reason }) => [
    `${contract} v${version}`,
    subject,
    outcome,
    id === undefined ? (reason ?? '') : `id ${id}`,
  ])
  output.out(flags.json ? jsonText(outcomes) : columnsText(rows))
  if (outcomes.some(({ outcome }) => outcome === 'refused')) output.exitCode = exitCodes.refused.code
}
