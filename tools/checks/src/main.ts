import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { claimInstance, sharedInstanceVariable, stopServices } from '@sluice-tools/services'
import { checks } from './registry.ts'
import type { ExpectedResult } from './test-summary.ts'
import { collectResults, formatSummary, sumRows } from './test-summary.ts'
import { listWorkspaces, repoRoot } from './workspace.ts'

/**
 * `make test`: runs every check and every workspace's tests as nx targets (cached, two at a time, none stops another),
 * then sums what they left in `test-results/`. Names as arguments narrow the run: check names, or `test`.
 * The last line is always `N passed, N failed`; the exit code is 0 only when something passed and nothing failed.
 */
const started = performance.now()
const wanted = process.argv.slice(2)
const known = [...Object.keys(checks), 'test']
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(', ')}; there are: ${known.join(', ')}`)
  process.exit(2)
}
const targets = wanted.length > 0 ? wanted : known
const resultsFolder = join(repoRoot, 'test-results')

const expected: ExpectedResult[] = targets
  .filter((target) => target !== 'test')
  .map((name) => ({ name, kind: 'check', file: `checks/${name}.json` }))
if (targets.includes('test')) {
  for (const { manifest } of listWorkspaces()) {
    if (manifest.scripts?.test !== undefined)
      expected.push({ name: `test ${manifest.name}`, kind: 'vitest', file: `tests/${manifest.name}.json` })
  }
}

rmSync(resultsFolder, { recursive: true, force: true })
// One set of real services for all tests of this run: the first test that needs one starts it.
const instance = `checks-${process.pid}`
claimInstance({ instance })
const nxCode = await runNx(
  ['run-many', `--targets=${targets.join(',')}`, '--parallel=2', '--outputStyle=static', '--nxBail=false'],
  { [sharedInstanceVariable]: instance },
)
const stopFailure = await stopServices({ instance }).then(
  () => undefined,
  (error: unknown) => (error instanceof Error ? error.message : String(error)),
)
const rows = collectResults(resultsFolder, expected)
if (stopFailure !== undefined) rows.push({ name: 'services', passed: 0, failures: [`did not stop: ${stopFailure}`] })
if (nxCode !== 0 && rows.every((row) => row.failures.length === 0)) {
  rows.push({ name: 'nx', passed: 0, failures: [`nx ended with ${nxCode} although every step passed`] })
}
const sum = sumRows(rows)
const seconds = ((performance.now() - started) / 1000).toFixed(0)
const text = `${formatSummary(rows)}\n${targets.length} targets in ${seconds} s\n${sum.line}\n`
mkdirSync(resultsFolder, { recursive: true })
writeFileSync(join(resultsFolder, 'summary.txt'), text)
process.stdout.write(`\n${text}`)
process.exitCode = sum.ok ? 0 : 1

function runNx(args: readonly string[], more: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((done) => {
    const child = spawn('nx', args, {
      cwd: repoRoot,
      env: { ...process.env, ...more, NX_DAEMON: 'false', NX_TUI: 'false', NX_NO_CLOUD: 'true' },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    child.on('error', (error) => {
      console.error(`nx did not start: ${error.message}`)
      done(127)
    })
    child.on('close', (code, signal) => {
      if (signal !== null) console.error(`nx was ended by ${signal}`)
      done(code ?? 1)
    })
  })
}
