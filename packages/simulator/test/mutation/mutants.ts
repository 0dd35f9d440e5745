import { envelopeMutants } from './envelope-mutants.ts'
import { avroMutants } from './avro-mutants.ts'
import { jsonMutants } from './json-mutants.ts'
import { ruleMutants } from './rule-mutants.ts'

/** One place in a source file of `packages/`; the text must be there exactly once. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** The pipeline with one of its checks taken out of the source. */
export interface Mutant {
  /** The check that is gone. */
  readonly name: string
  readonly edits: readonly Edit[]
  /** Topics in whose ledgers it must show. */
  readonly feeds: readonly string[]
  /**
   * What the ledger expected of the records that give it away: dead-letter codes (`rule_` for those of any rule), or
   * `stored` and `late`.
   */
  readonly guards: readonly string[]
}

export const mutants: readonly Mutant[] = [...envelopeMutants, ...avroMutants, ...jsonMutants, ...ruleMutants]

export function mutantNamed(name: string | undefined): Mutant {
  const found = mutants.find((mutant) => mutant.name === name)
  if (found === undefined) throw new Error(`there is no mutant ${name}`)
  return found
}

/** @throws {Error} when the source has changed, so that the mutant has to be looked at again */
export function patched({ file, find, replace }: Edit, source: string): string {
  const parts = source.split(find)
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times, not once: ${find}`)
  return parts.join(replace)
}
