import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyLock, lockContracts, lockText, parseLock, readContractSet } from '@sluice/schemas/gate'
import { checkReleasedContracts } from '../src/contracts.ts'
import { repoRoot } from '../src/workspace.ts'

const contracts = 'packages/schemas/contracts'
const userEvent = `${contracts}/ecommerce/UserEvent`
const lockFile = `${contracts}/released.json`
let root: string

const read = (file: string): string => readFileSync(join(root, file), 'utf8')
function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}
const git = (...args: string[]): void => {
  const me = ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', '-c', 'commit.gpgsign=false']
  execFileSync('git', [...me, ...args], { cwd: root, stdio: 'pipe' })
}
async function release(): Promise<void> {
  const set = await readContractSet(join(root, contracts), contracts)
  let before = emptyLock
  try {
    before = parseLock(read(lockFile), lockFile)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error
  }
  write(lockFile, lockText(lockContracts(set, before)))
}
const note = (name: string): void => write('.changeset/note.md', `---\n'${name}': minor\n---\n\nA new version.\n`)

/** A house whose release had UserEvent v1 only; v2 is at hand. */
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-contracts-'))
  cpSync(join(repoRoot, userEvent), join(root, userEvent), { recursive: true })
  cpSync(join(repoRoot, 'package.json'), join(root, 'package.json'))
  rmSync(join(root, userEvent, 'v2.avsc'))
  rmSync(join(root, userEvent, 'field-ids.json'))
  await release()
})
afterEach(() => rmSync(root, { recursive: true }))

const v2 = (): string => readFileSync(join(repoRoot, userEvent, 'v2.avsc'), 'utf8')

describe('the schema gate of this house', () => {
  it('green: what is released, as it is', async () => {
    expect(await checkReleasedContracts(root)).toEqual({ passed: 3, failures: [] })
  })

  it('green: UserEvent v1 -> v2, with a change note', async () => {
    write(`${userEvent}/v2.avsc`, v2())
    note('@sluice/schemas')
    expect(await checkReleasedContracts(root)).toEqual({ passed: 3, failures: [] })
  })

  it('red: a contract change without a change note, or with one for another package', async () => {
    write(`${userEvent}/v2.avsc`, v2())
    const missing = /ecommerce\.UserEvent v2 is new: no change note in \.changeset names @sluice\/schemas/
    expect((await checkReleasedContracts(root)).failures).toEqual([expect.stringMatching(missing)])
    note('@sluice/generators')
    expect((await checkReleasedContracts(root)).failures).toEqual([expect.stringMatching(missing)])
    rmSync(join(root, userEvent, 'v2.avsc'))
    write(`${userEvent}/contract.json`, read(`${userEvent}/contract.json`).replace('"lateness": "', '"lateness": "1'))
    expect((await checkReleasedContracts(root)).failures[0]).toMatch(/contract\.json of ecommerce\.UserEvent changed/)
  })

  it('red: a breaking v2', async () => {
    note('@sluice/schemas')
    write(`${userEvent}/v2.avsc`, v2().replace('"default": null', '"doc": "none"'))
    const { failures } = await checkReleasedContracts(root)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(/REFUSED {3}ecommerce\.UserEvent v2, product_id \[field_without_default\]/)
  })

  it('red: an edited release, and one that is gone', async () => {
    const v1 = read(`${userEvent}/v1.avsc`)
    write(`${userEvent}/v1.avsc`, v1.replace('SEARCH', 'FIND'))
    expect((await checkReleasedContracts(root)).failures[0]).toContain('[released_version_edited]')
    rmSync(join(root, userEvent, 'v1.avsc'))
    write(`${userEvent}/v2.avsc`, v2())
    expect((await checkReleasedContracts(root)).failures[0]).toContain('[released_version_removed]')
  })

  it('red: an edit of contract and lock together, where git knows the branch or the release tag', async () => {
    git('init', '--quiet', '--initial-branch=main')
    git('add', '--all')
    git('commit', '--quiet', '--message', 'release')
    expect(await checkReleasedContracts(root)).toEqual({ passed: 4, failures: [] })
    write(`${userEvent}/v1.avsc`, read(`${userEvent}/v1.avsc`).replace('SEARCH', 'FIND'))
    rmSync(join(root, lockFile))
    await release()
    expect((await checkReleasedContracts(root)).failures).toEqual([
      'released.json, compared with main: version 1 of ecommerce.UserEvent is listed with another digest, or not at all',
    ])
    git('tag', '@sluice/schemas@0.1.0')
    git('commit', '--quiet', '--all', '--message', 'both')
    const { failures } = await checkReleasedContracts(root)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(/\[released_version_edited\][^]*against tag @sluice\/schemas@0\.1\.0/)
  })

  it('red: no lock, and a release that would not write it', async () => {
    write('package.json', '{"scripts":{"release:version":"changeset version"}}')
    expect((await checkReleasedContracts(root)).failures).toEqual([
      expect.stringMatching(/release:version does not write/),
    ])
    rmSync(join(root, lockFile))
    expect((await checkReleasedContracts(root)).failures[0]).toMatch(/released\.json is gone/)
  })
})
