import { execFile } from 'node:child_process'
import { isContractFile } from '../gate/contract-set.ts'
import { CliError } from './cli-error.ts'

/**
 * Contract files below a folder as they are at a git ref, by path below that folder. Reads git's objects; needs no checkout.
 * @throws {CliError} when there is no repository, the clone does not have the ref, or the ref does not have the folder
 */
export async function filesAtRef(ref: string, folder: string): Promise<Map<string, string>> {
  const commit = (await git(folder, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`])).trim()
  if (commit === '') {
    throw new CliError(
      'unavailable',
      `git does not know the ref ${JSON.stringify(ref)} here; in a shallow clone fetch it first, or check against a lock file`,
    )
  }
  const listed = await git(folder, ['ls-tree', '-r', '-z', '--name-only', commit, '.'])
  const paths = listed.split('\0').filter((path) => path !== '' && isContractFile(path))
  const files = new Map<string, string>()
  for (const path of paths) files.set(path, await git(folder, ['show', `${commit}:./${path}`]))
  if (files.size === 0) throw new CliError('unavailable', `${ref} has no contracts in this folder`)
  return files
}

/** Standard output; empty when git answers with 1, which is its way of saying no. */
function git(cwd: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('git', args, { cwd, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null || error.code === 1) return resolve(stdout)
      const reason = error.code === 'ENOENT' ? 'git is not installed' : stderr.trim()
      reject(new CliError('unavailable', `git ${args[0]} failed: ${reason}`, { cause: error }))
    })
  })
}
