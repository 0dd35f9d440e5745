import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { loadContracts } from '../contracts/load.ts'
import { generateArtefacts } from '../generate/artefacts.ts'
import { exitCodes } from './cli-error.ts'
import type { Output } from './output.ts'

interface GenerateFlags {
  readonly contracts: string
  readonly out: string
  readonly docs?: string
  readonly check?: boolean
}

/** Writes what differs, and nothing else; files that no contract accounts for are left alone. */
export async function generateCommand(output: Output, flags: GenerateFlags): Promise<void> {
  const contracts = await loadContracts(flags.contracts)
  const artefacts = generateArtefacts(contracts)
  const files = new Map<string, string>()
  for (const [file, text] of artefacts.modules) files.set(join(flags.out, file), text)
  if (flags.docs !== undefined) {
    for (const [domain, text] of artefacts.dictionary) files.set(join(flags.docs, `${domain}.md`), text)
  }
  for (const { name, domain, event } of contracts) {
    files.set(join(flags.contracts, domain, event, 'field-ids.json'), artefacts.fieldIds.get(name)!)
  }
  let different = 0
  for (const [file, text] of files) {
    if ((await current(file)) === text) continue
    different += 1
    output.out(`${flags.check ? 'differs' : 'written'}  ${file}\n`)
    if (flags.check) continue
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  output.out(
    `${files.size} files of ${contracts.length} contracts, ${different} ${flags.check ? 'differ' : 'written'}\n`,
  )
  if (flags.check && different > 0) output.exitCode = exitCodes.refused.code
}

async function current(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
