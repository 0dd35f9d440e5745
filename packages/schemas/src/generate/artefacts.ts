import type { Contract } from '../contract.ts'
import { arrowSchemaOf } from '../contracts/columns.ts'
import { recordOf } from '../contracts/record.ts'
import { dictionaryOf } from './dictionary.ts'
import { literal } from './literal.ts'
import { camel, kebab, short } from './names.ts'
import { postgresDdl } from './postgres.ts'
import { interfacesOf } from './typescript.ts'
import { validatorOf } from './validator.ts'

export interface GenerateOptions {
  /**
   * Module that generated code imports `freezeDeep`, `rowType`, `withRules` and types from; default `@sluice/schemas`.
   * Given the path of the generated file, relative to the folder of generated code.
   */
  readonly importFrom?: (file: string) => string
}

export interface Artefacts {
  /** TypeScript modules by path relative to the folder of generated code, `/`-separated. */
  readonly modules: ReadonlyMap<string, string>
  /** Markdown by domain. */
  readonly dictionary: ReadonlyMap<string, string>
  /** `field-ids.json` by contract name. */
  readonly fieldIds: ReadonlyMap<string, string>
}

/**
 * Everything that is generated from contracts, as texts; writes nothing. The same contracts give the same texts.
 * Per contract: row interfaces, the frozen contract, zod validator, columns with field ids, Postgres DDL.
 */
export function generateArtefacts(contracts: readonly Contract[], options: GenerateOptions = {}): Artefacts {
  const { importFrom = () => '@sluice/schemas' } = options
  const modules = new Map<string, string>()
  for (const contract of contracts) {
    const file = `${contract.domain}/${kebab(contract.event)}.ts`
    modules.set(file, moduleOf(contract, importFrom(file)))
  }
  modules.set('index.ts', indexOf(contracts, importFrom('index.ts')))
  const domains = [...new Set(contracts.map((contract) => contract.domain))]
  return {
    modules,
    dictionary: new Map(
      domains.map((domain) => [
        domain,
        dictionaryOf(
          domain,
          contracts.filter((contract) => contract.domain === domain),
        ),
      ]),
    ),
    fieldIds: new Map(contracts.map((contract) => [contract.name, `${JSON.stringify(contract.fieldIds, null, 2)}\n`])),
  }
}

function moduleOf(contract: Contract, support: string): string {
  const record = recordOf(contract.schema, contract.name)
  const name = camel(contract.event)
  const type = short(record.name)
  const { versions, schema: _latest, ...plain } = contract
  const columns = arrowSchemaOf(contract)
  const fields = Object.entries(plain).map(([key, value]) => `  ${key}: ${literal(value, '  ', key.length + 4)},\n`)
  return `// Generated from contracts/${contract.domain}/${contract.event} by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '${support}'

${interfacesOf(record)}
const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep(${literal(versions, '', 200)})

/** Contract of ${contract.name}: ${contract.description}. */
export const ${name}Contract: Contract = /* @__PURE__ */ freezeDeep({
${fields.join('')}  versions,
  schema: versions[${versions.length - 1}]!.schema,
})

/** Checks types and rules of a row. */
export const ${name}Validator: z.ZodType<${type}> = /* @__PURE__ */ withRules(
  ${validatorOf(record, '  ')},
  ${name}Contract,
)

/** Columns with stable field ids. */
export const ${name}Columns: Schema = /* @__PURE__ */ freezeDeep(${literal(columns, '', 200)})

/** Table of rows and their lineage. */
export const ${name}PostgresDdl = \`
${templateText(postgresDdl(contract))}\`
`
}

function indexOf(contracts: readonly Contract[], support: string): string {
  const imports = contracts.map((contract) => {
    const name = camel(contract.event)
    const names = [
      `${name}Columns`,
      `${name}Contract`,
      `${name}PostgresDdl`,
      `${name}Validator`,
      `type ${contract.event}`,
    ]
    return `import {\n${names.map((item) => `  ${item},\n`).join('')}} from './${contract.domain}/${kebab(contract.event)}.ts'\n`
  })
  const each = (value: (contract: Contract, name: string) => string): string =>
    contracts.map((contract) => `  '${contract.name}': ${value(contract, camel(contract.event))}\n`).join('')
  const record = (suffix: string): string => each((_, name) => `${name}${suffix},`)
  return `// Generated from the folder of contracts by @sluice/schemas. Do not edit.
import type { Schema } from '@sluice/columnar'
import type { z } from 'zod'
import type { Contract } from '${support}'
${imports.join('')}
export type {
${contracts.map((contract) => `  ${contract.event},\n`).join('')}}

/** Row type of each contract. */
export interface ContractRows {
${each((contract) => contract.event)}}

export type ContractName = keyof ContractRows

/** Every contract by name. */
export const contracts: Readonly<Record<ContractName, Contract>> = {
${record('Contract')}}

/** Validators of types and rules, by contract name. */
export const validators: { readonly [Name in ContractName]: z.ZodType<ContractRows[Name]> } = {
${record('Validator')}}

/** Columns with stable field ids, by contract name. */
export const columnSchemas: Readonly<Record<ContractName, Schema>> = {
${record('Columns')}}

/** \`CREATE TABLE\` statements, by contract name. */
export const postgresTables: Readonly<Record<ContractName, string>> = {
${record('PostgresDdl')}}
`
}

function templateText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')
}
