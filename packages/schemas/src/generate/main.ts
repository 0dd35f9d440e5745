import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadContracts } from '../contracts/load.ts'
import { generateArtefacts } from './artefacts.ts'

const packageFolder = fileURLToPath(new URL('../../', import.meta.url))
const rootFolder = join(packageFolder, '..', '..')

/** Files that the built-in contracts generate, by absolute path. */
async function generatedFiles(): Promise<Map<string, string>> {
  const contracts = await loadContracts(join(packageFolder, 'contracts'))
  const artefacts = generateArtefacts(contracts, {
    importFrom: (file) => `${'../'.repeat(file.split('/').length)}generated-support.ts`,
  })
  const files = new Map<string, string>()
  for (const [file, text] of artefacts.modules) files.set(join(packageFolder, 'src', 'generated', file), text)
  for (const [domain, text] of artefacts.dictionary)
    files.set(join(rootFolder, 'docs', 'data-dictionary', `${domain}.md`), text)
  for (const { name, domain, event } of contracts) {
    files.set(join(packageFolder, 'contracts', domain, event, 'field-ids.json'), artefacts.fieldIds.get(name)!)
  }
  return files
}

/** Files in the generated folders that no contract accounts for. */
async function strayFiles(files: ReadonlyMap<string, string>): Promise<string[]> {
  const folders = [join(packageFolder, 'src', 'generated'), join(rootFolder, 'docs', 'data-dictionary')]
  const found: string[] = []
  for (const folder of folders) {
    await mkdir(folder, { recursive: true })
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    for (const entry of entries) if (entry.isFile()) found.push(join(entry.parentPath, entry.name))
  }
  return found.filter((file) => !files.has(file))
}

async function currentText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes what changed, or with `--check` only reports it. Exit code 1 when `--check` finds a difference. */
async function main(check: boolean): Promise<void> {
  const files = await generatedFiles()
  const stray = await strayFiles(files)
  const changed: string[] = []
  for (const [file, text] of files) if ((await currentText(file)) !== text) changed.push(file)
  for (const file of [...changed, ...stray]) {
    console.log(`${check ? 'differs' : stray.includes(file) ? 'removed' : 'written'}: ${relative(rootFolder, file)}`)
  }
  if (check) {
    if (changed.length + stray.length > 0) process.exitCode = 1
    return
  }
  for (const file of changed) {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, files.get(file)!)
  }
  for (const file of stray) await rm(file)
}

await main(process.argv.includes('--check'))
