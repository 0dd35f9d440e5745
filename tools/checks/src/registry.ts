import { checkBoundaries } from './boundaries.ts'
import { checkFormat, checkLint, checkTypes } from './commands.ts'
import { checkHouse } from './house.ts'
import { checkLinks } from './links.ts'
import type { CheckResult } from './result.ts'

/** Every check by the name of its nx target. A check gets the top folder and returns what it found. */
export const checks: Readonly<Record<string, (root: string) => Promise<CheckResult>>> = {
  lint: checkLint,
  format: checkFormat,
  types: checkTypes,
  boundaries: checkBoundaries,
  house: (root) => checkHouse(root),
  links: (root) => checkLinks(root),
}
