import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { baselineOfLock, baselineOfRegistry, baselineOfSet, type Baseline } from '../gate/baseline.ts'
import { contractSetOf, readContractSet, type ContractSet } from '../gate/contract-set.ts'
import { filesAtRef } from '../gate/git-files.ts'
import { parseLock } from '../gate/released-lock.ts'
import { CliError } from './cli-error.ts'
import { openRegistry, type RegistryFlags } from './open-registry.ts'
import { filesOfTarball } from './tar-files.ts'

export interface BaselineFlags extends RegistryFlags {
  /** Where the contracts are inside a tarball or folder. */
  readonly inside?: string
}

type Kind = 'git' | 'folder' | 'tarball' | 'lock' | 'registry'

/**
 * Opens what `--against` names: `git:<ref>`, `folder:<path>`, `tarball:<file>`, `lock:<file>`, `registry:<url or folder>`; without such a
 * word, by what it looks like: a URL is a registry, a folder, a tarball (.tgz, .tar.gz) and a lock (.json) are files that
 * exist, all else is a git ref.
 * @throws {CliError} when it cannot be had
 */
export async function openBaseline(
  against: string,
  current: ContractSet,
  contractsFolder: string,
  flags: BaselineFlags,
): Promise<Baseline> {
  const { kind, target } = await kindOf(against)
  switch (kind) {
    case 'git':
      return baselineOfSet(`git ref ${target}`, contractSetOf(await atRef(target, contractsFolder), target))
    case 'folder': {
      const folder = flags.inside === undefined ? target : resolve(target, flags.inside)
      return baselineOfSet(`folder ${target}`, await readContractSet(folder, target))
    }
    case 'tarball':
      return baselineOfSet(`tarball ${target}`, contractSetOf(await filesOfTarball(target, flags.inside), target))
    case 'lock':
      return baselineOfLock(`lock ${target}`, parseLock(await textOf(target), target))
    case 'registry': {
      const { registry, shown } = await openRegistry(target, flags)
      try {
        return await baselineOfRegistry(`registry ${shown}`, registry, current)
      } finally {
        if ('close' in registry) registry.close()
      }
    }
  }
}

async function kindOf(against: string): Promise<{ kind: Kind; target: string }> {
  const stated = /^(git|folder|tarball|lock|registry):(.+)$/s.exec(against)
  if (stated !== null) return { kind: stated[1] as Kind, target: stated[2]! }
  if (/^https?:\/\//.test(against)) return { kind: 'registry', target: against }
  const found = await stat(against).catch(() => undefined)
  if (found?.isDirectory()) return { kind: 'folder', target: against }
  if (found !== undefined) return { kind: against.endsWith('.json') ? 'lock' : 'tarball', target: against }
  if (/\.(tgz|tar\.gz|json)$/.test(against)) throw new CliError('unavailable', `there is no file ${against}`)
  return { kind: 'git', target: against }
}

async function atRef(ref: string, folder: string): Promise<ReadonlyMap<string, string>> {
  const files = await filesAtRef(ref, folder)
  if (files !== undefined) return files
  const advice = 'in a shallow clone fetch it first, or check against a lock file'
  throw new CliError('unavailable', `git does not know the ref ${JSON.stringify(ref)} here; ${advice}`)
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new CliError('unavailable', `cannot read ${file}`, { cause })
  }
}
