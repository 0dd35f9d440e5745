import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { repoRoot } from '../src/workspace.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-ci-'))
  cpSync(join(repoRoot, '.ci'), join(root, '.ci'), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true }))

/** Runs `.ci/run` in a folder whose `make test` is `recipe`, from elsewhere, and gives its code and last line. */
function run(recipe: string) {
  writeFileSync(join(root, 'Makefile'), `test:\n\t@${recipe}\n`)
  const end = spawnSync(join(root, '.ci/run'), { cwd: tmpdir(), input: 'no one answers\n', encoding: 'utf8' })
  return { code: end.status, last: end.stdout.trimEnd().split('\n').at(-1) }
}
const summary = (line: string) => `mkdir -p test-results; echo '${line}' | tee test-results/summary.txt`

describe('.ci/run', () => {
  it('ends with the sum and with 0 when all is well', () => {
    expect(run(`test "$$CI" = true && ! read answer; ${summary('3 passed, 0 failed')}`)).toEqual({
      code: 0,
      last: '3 passed, 0 failed',
    })
  })

  it('ends with the sum and with another code when something failed', () => {
    const { code, last } = run(`${summary('3 passed, 1 failed')}; exit 1`)
    expect(last).toBe('3 passed, 1 failed')
    expect(code).not.toBe(0)
  })

  it('counts one failure when the checks did not start, whatever make says', () => {
    expect(run('exit 7')).toMatchObject({ last: '0 passed, 1 failed' })
    expect(run('true')).toEqual({ code: 1, last: '0 passed, 1 failed' })
  })

  it('does not take the sum of an earlier run for its own', () => {
    run(summary('3 passed, 0 failed'))
    expect(run('exit 7')).toMatchObject({ last: '0 passed, 1 failed' })
  })
})
