import type { Contract } from '@sluice/schemas'
import { GeneratorError } from './errors.ts'
import { faultCatalogue, type FaultName, faultNames, type FaultRates, notInBad } from './fault-names.ts'
import type { ValueFormat } from './value-format.ts'

/** Faults that records of a contract can have. */
export function applicableFaults(
  contract: Contract,
  damages: ValueFormat['damages'],
  writerIsOld: boolean,
): readonly FaultName[] {
  return faultNames.filter((name) => {
    switch (name) {
      case 'rule_break':
        return contract.rules.length > 0
      case 'old_version':
        return contract.format === 'avro' && contract.versions.length > 1 && !writerIsOld
      case 'new_version':
        return contract.format === 'avro' && writerIsOld
      case 'hot_key':
        return contract.key.length > 0
      default:
        return !faultCatalogue[name].bad || name === 'tombstone' || name === 'oversized' || name in damages
    }
  })
}

/** Picks at most one fault for a record from one uniform draw in [0, 1). */
export type FaultPlan = (draw: number) => FaultName | undefined

/**
 * The share of each fault that a contract can have, with `bad` spread out; zero shares are left out, and so is a rate for a
 * fault that the contract cannot have.
 * @throws {GeneratorError} FAULT_UNKNOWN, FAULT_RATE_INVALID
 */
export function sharesOf(rates: FaultRates, applicable: readonly FaultName[]): ReadonlyMap<FaultName, number> {
  for (const [name, rate] of Object.entries(rates)) {
    if (name !== 'bad' && !Object.hasOwn(faultCatalogue, name)) {
      throw new GeneratorError('FAULT_UNKNOWN', `there is no fault "${name}"`)
    }
    if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1)) {
      throw new GeneratorError('FAULT_RATE_INVALID', `fault ${name}: ${String(rate)} is not a share`)
    }
  }
  const spread = applicable.filter(
    (name) => faultCatalogue[name].bad && !notInBad.has(name) && rates[name] === undefined,
  )
  const shares = new Map<FaultName, number>()
  let sum = 0
  for (const name of applicable) {
    const rate = rates[name] ?? (spread.includes(name) ? (rates.bad ?? 0) / spread.length : 0)
    if (rate === 0) continue
    sum += rate
    shares.set(name, rate)
  }
  if (sum > 1 + 1e-9) throw new GeneratorError('FAULT_RATE_INVALID', `fault rates sum to ${sum}`)
  return shares
}

/**
 * Turns rates into one table of thresholds; see `sharesOf`.
 * @throws {GeneratorError} FAULT_UNKNOWN, FAULT_RATE_INVALID
 */
export function planFaults(rates: FaultRates, applicable: readonly FaultName[]): FaultPlan {
  const names: FaultName[] = []
  const thresholds: number[] = []
  let sum = 0
  for (const [name, rate] of sharesOf(rates, applicable)) {
    sum += rate
    names.push(name)
    thresholds.push(sum)
  }
  return (draw) => {
    if (draw >= sum) return undefined
    for (let i = 0; i < thresholds.length; i++) if (draw < thresholds[i]!) return names[i]
    return undefined
  }
}
