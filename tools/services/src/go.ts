import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ServiceError } from './errors.ts'
import { withLock } from './lock.ts'

const buildMs = 30 * 60_000

/** Where Go is when it is not in PATH. */
const usualPlaces = ['/usr/local/go/bin/go', '/usr/lib/go/bin/go', '/usr/lib/go-*/bin/go', '/opt/homebrew/bin/go']

/**
 * The program `<cache>/artifacts/<name>/<program>`, built by `go install` when it is not there: built aside and renamed, so that the folder is
 * whole or absent; one process builds, others wait. Takes minutes once.
 * @param module path and exact version: `example.com/tool@v1.2.3`
 * @throws {ServiceError} SERVICE_PREREQUISITE without Go, SERVICE_DOWNLOAD when it fails
 */
export async function goProgram(cache: string, name: string, module: string, program: string): Promise<string> {
  const folder = join(cache, 'artifacts', name)
  const file = join(folder, program)
  if (existsSync(folder)) return file
  return withLock(`${folder}.lock`, buildMs, async () => {
    if (existsSync(folder)) return file
    const aside = `${folder}.partial`
    rmSync(aside, { recursive: true, force: true })
    mkdirSync(aside, { recursive: true })
    await goInstall(module, aside)
    if (!existsSync(join(aside, program)))
      throw new ServiceError('SERVICE_DOWNLOAD', `go install ${module} made no program ${program}`)
    renameSync(aside, folder)
    return file
  })
}

async function goInstall(module: string, folder: string): Promise<void> {
  const tried = ['go', ...globSync(usualPlaces)]
  for (const go of tried) if (await ran(go, module, folder)) return
  throw new ServiceError('SERVICE_PREREQUISITE', `Go is needed to build ${module}; looked for ${tried.join(', ')}`)
}

/** False when there is no such program `go`. */
function ran(go: string, module: string, folder: string): Promise<boolean> {
  const env = { ...process.env, GOBIN: folder }
  const options = { cwd: dirname(folder), env, timeout: buildMs, maxBuffer: 32 << 20 }
  return new Promise((done, failed) => {
    execFile(go, ['install', '-trimpath', module], options, (error, stdout, stderr) => {
      if (error === null) return done(true)
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return done(false)
      const output = `${stdout}${stderr}`.trim().split('\n').slice(-12).join('\n')
      failed(new ServiceError('SERVICE_DOWNLOAD', `go install ${module} failed:\n${output}`, { cause: error }))
    })
  })
}
