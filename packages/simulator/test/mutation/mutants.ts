import { envelopeMutants } from './envelope-mutants.ts'
import { avroMutants } from './avro-mutants.ts'
import { jsonMutants } from './json-mutants.ts'
import { redundantMutants } from './redundant-mutants.ts'
import { ruleMutants } from './rule-mutants.ts'
import type { Edit, Mutant } from './mutant.ts'

export const mutants: readonly Mutant[] = [...envelopeMutants, ...avroMutants, ...jsonMutants, ...ruleMutants]

export function mutantNamed(name: string | undefined): Mutant {
  const found = [...mutants, ...redundantMutants].find((mutant) => mutant.name === name)
  if (found === undefined) throw new Error(`there is no mutant ${name}`)
  return found
}

/** @throws {Error} when the source has changed, so that the mutant has to be looked at again */
export function patched({ file, find, replace }: Edit, source: string): string {
  const parts = source.split(find)
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times, not once: ${find}`)
  return parts.join(replace)
}
