import { defaultFaultRates, faultNames, noFaults, type FaultRates } from '@sluice/generators'
import { SimulatorError } from './errors.ts'

/**
 * Reads `--faults`: a comma-separated list of `name=share`, where a share is `0.02` or `2%`; `default` and `none` stand
 * for a set of shares to begin with (`default,late=5%`). Whether the names exist and the shares add up is checked later, with the feed.
 * @throws {SimulatorError} FAULTS_UNREADABLE
 */
export function parseFaults(text: string): FaultRates {
  let rates: FaultRates = {}
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue
    if (part === 'default' || part === 'none') {
      rates = { ...rates, ...(part === 'default' ? defaultFaultRates : noFaults) }
      continue
    }
    const match = /^([a-z_]+)=(\d*\.?\d+)(%?)$/.exec(part)
    if (match === null) throw new SimulatorError('FAULTS_UNREADABLE', `faults: "${part}" is not name=share`)
    const [, name, number, percent] = match
    if (name !== 'bad' && !faultNames.some((fault) => fault === name)) {
      throw new SimulatorError('FAULTS_UNREADABLE', `faults: there is no fault "${name}"; see \`describe\` of a feed`)
    }
    rates = { ...rates, [name!]: Number(number) / (percent === '%' ? 100 : 1) }
  }
  return rates
}
