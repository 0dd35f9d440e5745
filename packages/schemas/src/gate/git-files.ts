import { execFile } from 'node:child_process'
import { SchemaError } from '../errors.ts'
import { isContractFile } from './contract-set.ts'

/**
 * Contract files below a folder as they are at a git ref, by path below that folder. Reads git's objects; needs no checkout.
 * @returns `undefined` when there is no repository here, or this clone does not have the ref (a shallow one may not)
 * @throws {SchemaError} CONTRACT_INVALID when git cannot be run
 */
export async function filesAtRef(ref: string, folder: string): Promise<ReadonlyMap<string, string> | undefined> {
  const commit = await git(folder, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`])
  if (commit === undefined) return undefined
  const listed = await git(folder, ['ls-tree', '-r', '-z', '--name-only', commit.trim(), '.'])
  const files = new Map<string, string>()
  for (const path of (listed ?? '').split('\0')) {
    if (path === '' || !(isContractFile(path) || path === 'released.json')) continue
    const text = await git(folder, ['show', `${commit.trim()}:./${path}`])
    if (text === undefined) throw new SchemaError('CONTRACT_INVALID', `git cannot read ${path} at ${ref}`)
    files.set(path, text)
  }
  return files
}

/** Standard output; `undefined` when git says no. */
function git(cwd: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    execFile('git', args, { cwd, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' }, (error, stdout) => {
      if (error === null) return resolve(stdout)
      if (typeof error.code === 'number') return resolve(undefined)
      reject(new SchemaError('CONTRACT_INVALID', 'git cannot be run', { cause: error }))
    })
  })
}
