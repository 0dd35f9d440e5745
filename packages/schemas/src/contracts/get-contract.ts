import type { Contract } from '../contract.ts'
import { SchemaError } from '../errors.ts'
import { contracts } from '../generated/index.ts'
import { nearest } from './nearest.ts'

const byName: ReadonlyMap<string, Contract> = new Map(Object.entries(contracts))

/** @throws {SchemaError} CONTRACT_UNKNOWN naming the nearest contract */
export function getContract(name: string): Contract {
  const found = byName.get(name)
  if (found !== undefined) return found
  const near = nearest(name, [...byName.keys()])
  throw new SchemaError('CONTRACT_UNKNOWN', `there is no contract ${JSON.stringify(name)}; did you mean ${near}?`, {
    expected: near ?? '',
  })
}

/** The contract whose events travel on a topic, or `undefined`. */
export function contractByTopic(topic: string): Contract | undefined {
  return [...byName.values()].find((contract) => contract.topic === topic)
}
