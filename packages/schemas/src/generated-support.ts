/** What generated modules import; other teams' generated code takes the same names from `@sluice/schemas`. */
export type { Contract } from './contract.ts'
export { freezeDeep } from './freeze.ts'
export { rowType, withRules } from './validate.ts'
