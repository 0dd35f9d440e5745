import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CompatibilityMode } from '../compatibility/check-compatibility.ts'
import { baselineOfLock } from '../gate/baseline.ts'
import { readContractSet } from '../gate/contract-set.ts'
import { checkContracts } from '../gate/gate.ts'
import { emptyLock, lockContracts, lockText, parseLock, type ReleasedLock } from '../gate/released-lock.ts'
import { githubAnnotations, reportText } from '../gate/report.ts'
import { exitCodes } from './cli-error.ts'
import { openBaseline } from './open-baseline.ts'
import { jsonText, type Output } from './output.ts'

interface CheckFlags {
  readonly against: string
  readonly contracts: string
  readonly mode?: CompatibilityMode
  readonly json?: boolean
  readonly annotations?: 'github'
  readonly inside?: string
  readonly ca?: string
  readonly allowPlainAuth?: boolean
}

export async function checkCommand(output: Output, flags: CheckFlags): Promise<void> {
  const current = await readContractSet(flags.contracts)
  const baseline = await openBaseline(flags.against, current, flags.contracts, { ...flags, env: output.env })
  const report = checkContracts(current, baseline, flags.mode === undefined ? {} : { mode: flags.mode })
  output.out(flags.json ? jsonText(report) : reportText(report))
  if (flags.annotations === 'github') output.out(githubAnnotations(report))
  if (!report.passed) output.exitCode = exitCodes.refused.code
}

interface LockFlags {
  readonly contracts: string
  readonly file?: string
}

/** Refuses to lock what the lock itself forbids, so that a release cannot bless an edit. */
export async function lockCommand(output: Output, flags: LockFlags): Promise<void> {
  const { file = join(flags.contracts, 'released.json') } = flags
  const current = await readContractSet(flags.contracts)
  const before = await readLock(file)
  const report = checkContracts(current, baselineOfLock(`lock ${file}`, before))
  if (!report.passed) {
    output.out(reportText(report))
    output.exitCode = exitCodes.refused.code
    return
  }
  const text = lockText(lockContracts(current, before))
  const same = text === lockText(before)
  if (!same) await writeFile(file, text)
  for (const { contract, version } of report.newVersions) output.out(`released  ${contract} v${version}\n`)
  output.out(`${file}: ${same ? 'nothing new' : 'written'}\n`)
}

async function readLock(file: string): Promise<ReleasedLock> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return emptyLock
    throw error
  }
  return parseLock(text, file)
}
