import { join } from 'node:path'
import { checks } from './registry.ts'
import type { CheckResult } from './result.ts'
import { writeResult } from './result.ts'
import { repoRoot } from './workspace.ts'

/** `node --conditions=sluice-source check.ts <name>`: runs one check, prints what it found, leaves its result for the summary. */
const name = process.argv[2] ?? ''
const check = checks[name]
if (check === undefined) {
  console.error(`no check named '${name}'; there are: ${Object.keys(checks).join(', ')}`)
  process.exit(2)
}
let result: CheckResult
try {
  result = await check(repoRoot)
} catch (error) {
  result = { passed: 0, failures: [error instanceof Error ? (error.stack ?? error.message) : String(error)] }
}
writeResult(join(repoRoot, 'test-results/checks', `${name}.json`), result)
for (const failure of result.failures) console.log(`FAIL ${failure}`)
console.log(`${name}: ${result.passed} passed, ${result.failures.length} failed`)
process.exitCode = result.failures.length > 0 ? 1 : 0
