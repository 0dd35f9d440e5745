import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  baselineOfLock,
  baselineOfSet,
  checkContracts,
  contractSetOf,
  filesAtRef,
  lockLosses,
  parseLock,
  readContractSet,
  reportText,
  unreleasedChanges,
  type ReleasedLock,
} from '@sluice/schemas/gate'
import type { CheckResult } from './result.ts'
import type { Manifest } from './workspace.ts'

const run = promisify(execFile)
const packageName = '@sluice/schemas'
const contractsFolder = 'packages/schemas/contracts'

/**
 * The schema gate of this house. What was released is in `released.json` beside the contracts, so that a shallow or fresh
 * clone knows it; a release writes it. Where git has more (release tags, the branch a change is to go into), that counts too:
 * nobody can edit a contract and the lock in one go.
 * Checks: contracts against the lock; against the last release tag, if there is one; the lock only grew, if the other
 * branch is known; a change of contracts has a change note; a release writes the lock.
 */
export async function checkReleasedContracts(
  root: string,
  bases: readonly string[] = ['origin/main', 'main'],
): Promise<CheckResult> {
  const folder = join(root, contractsFolder)
  const lockFile = join(folder, 'released.json')
  if (!existsSync(lockFile)) {
    return { passed: 0, failures: [`${contractsFolder}/released.json is gone: nothing says what was released`] }
  }
  const lock = parseLock(readFileSync(lockFile, 'utf8'), `${contractsFolder}/released.json`)
  const current = await readContractSet(folder, contractsFolder)
  const failures: string[] = []
  let passed = 0
  const hold = (problems: readonly string[]): void => {
    failures.push(...problems)
    if (problems.length === 0) passed += 1
  }

  const report = checkContracts(current, baselineOfLock('the last release', lock))
  hold(report.passed ? [] : [reportText(report)])
  hold(missingNote(root, unreleasedChanges(current, lock)))
  hold(releaseWithoutLock(root))

  const tag = await lastReleaseTag(root)
  const tagged = tag === undefined ? undefined : await filesAtRef(tag, folder)
  if (tag === undefined || tagged === undefined) console.log(`no release tag of ${packageName} in this clone`)
  else {
    const against = checkContracts(current, baselineOfSet(`tag ${tag}`, contractSetOf(tagged, tag)))
    hold(against.passed ? [] : [reportText(against)])
  }
  for (const base of bases) {
    const earlier = await lockAt(base, folder)
    if (earlier === undefined) console.log(`no lock at ${base} in this clone`)
    else hold(lockLosses(earlier, lock).map((loss) => `released.json, compared with ${base}: ${loss}`))
  }
  return { passed, failures }
}

async function lockAt(ref: string, folder: string): Promise<ReleasedLock | undefined> {
  const text = (await filesAtRef(ref, folder))?.get('released.json')
  return text === undefined ? undefined : parseLock(text, `released.json at ${ref}`)
}

/** The newest of the tags that `changeset publish` makes. */
async function lastReleaseTag(root: string): Promise<string | undefined> {
  try {
    const { stdout } = await run('git', ['tag', '--list', '--sort=-version:refname', `${packageName}@*`], { cwd: root })
    return stdout.split('\n').find((line) => line !== '')
  } catch {
    // Not a repository: a source archive has no tags.
    return undefined
  }
}

/** Whoever depends on a contract reads of its change in the changelog. */
function missingNote(root: string, changes: readonly string[]): string[] {
  if (changes.length === 0) return []
  const notes = join(root, '.changeset')
  const named = existsSync(notes)
    ? readdirSync(notes).some((file) => file.endsWith('.md') && names(readFileSync(join(notes, file), 'utf8')))
    : false
  return named ? [] : [`${changes.join('; ')}: no change note in .changeset names ${packageName} (npx changeset)`]
}

function names(note: string): boolean {
  const head = /^---\n([^]*?)\n---/.exec(note)?.[1] ?? ''
  return new RegExp(`^['"]?${packageName}['"]?:\\s*(major|minor|patch)\\s*$`, 'm').test(head)
}

/** A release that left the lock as it was would let released versions be edited afterwards. */
function releaseWithoutLock(root: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const script = scripts?.['release:version'] ?? ''
  return script.includes(`npm run lock --workspace ${packageName}`)
    ? []
    : [`package.json: release:version does not write ${contractsFolder}/released.json`]
}
