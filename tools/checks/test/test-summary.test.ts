import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeResult } from '../src/result.ts'
import { collectResults, countVitest, sumRows } from '../src/test-summary.ts'

const report = (statuses: string[], over: object = {}) => ({
  success: statuses.every((status) => status === 'passed'),
  numTotalTests: statuses.length,
  numPassedTests: statuses.filter((status) => status === 'passed').length,
  testResults: [
    {
      name: 'a.test.ts',
      status: statuses.includes('failed') ? 'failed' : 'passed',
      assertionResults: statuses.map((status, i) => ({ fullName: `t${i}`, status })),
    },
  ],
  ...over,
})

describe('countVitest', () => {
  it('counts passes', () => {
    expect(countVitest(report(['passed', 'passed']))).toEqual({ passed: 2, failures: [] })
  })

  it.each(['failed', 'skipped', 'todo', 'pending'])('counts a %s test as a failure', (status) => {
    const { passed, failures } = countVitest(report(['passed', status]))
    expect(passed).toBe(1)
    expect(failures).toEqual([`${status}: t1 (a.test.ts)`])
  })

  it('counts a file that did not load', () => {
    const file = { name: 'b.test.ts', status: 'failed', message: 'SyntaxError', assertionResults: [] }
    const { failures } = countVitest(report(['passed'], { success: false, testResults: [file] }))
    expect(failures).toEqual(['b.test.ts: the file failed outside its tests: SyntaxError'])
  })

  it('counts a run without tests, and a run vitest calls unsuccessful', () => {
    expect(countVitest(report([])).failures).toEqual(['no test ran'])
    expect(countVitest(report(['passed'], { success: false })).failures).toHaveLength(1)
  })
})

describe('collectResults and sumRows', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-summary-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('sums checks and tests', () => {
    writeResult(join(folder, 'checks/lint.json'), { passed: 1, failures: [] })
    writeFileSync(join(folder, 'unit.json'), JSON.stringify(report(['passed', 'failed', 'passed'])))
    const rows = collectResults(folder, [
      { name: 'lint', kind: 'check', file: 'checks/lint.json' },
      { name: 'unit', kind: 'vitest', file: 'unit.json' },
    ])
    expect(sumRows(rows)).toMatchObject({ passed: 3, failed: 1, ok: false, line: '3 passed, 1 failed' })
  })

  it('counts a step that left nothing, or nonsense, as a failure', () => {
    writeFileSync(join(folder, 'half.json'), '{"passed": 1')
    writeFileSync(join(folder, 'shape.json'), '{"passed": -1, "failures": []}')
    const rows = collectResults(folder, [
      { name: 'gone', kind: 'check', file: 'gone.json' },
      { name: 'half', kind: 'vitest', file: 'half.json' },
      { name: 'shape', kind: 'check', file: 'shape.json' },
    ])
    expect(rows.map((row) => row.failures.length)).toEqual([1, 1, 1])
  })

  it('is not ok when nothing ran', () => {
    expect(sumRows([])).toMatchObject({ ok: false, line: '0 passed, 0 failed' })
    expect(sumRows([{ name: 'a', passed: 1, failures: [] }])).toMatchObject({ ok: true, line: '1 passed, 0 failed' })
  })
})
