import { checkBoundaries } from './boundaries.ts'
import { checkChanges } from './changes.ts'
import { checkReleasedContracts } from './contracts.ts'
import { checkFormat, checkLint, checkTypes } from './commands.ts'
import { checkGenerated } from './generated.ts'
import { checkHouse } from './house.ts'
import { checkLinks } from './links.ts'
import { checkPack } from './pack-check.ts'
import { checkSnippets } from './readme-snippets.ts'
import type { CheckResult } from './result.ts'

/** Every check by the name of its nx target. A check gets the top folder and returns what it found. */
export const checks: Readonly<Record<string, (root: string) => Promise<CheckResult>>> = {
  types: checkTypes,
  lint: checkLint,
  format: checkFormat,
  boundaries: checkBoundaries,
  house: (root) => checkHouse(root),
  links: (root) => checkLinks(root),
  snippets: (root) => checkSnippets(root),
  generated: checkGenerated,
  contracts: (root) => checkReleasedContracts(root),
  changes: checkChanges,
  pack: checkPack,
}
