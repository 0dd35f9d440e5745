import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ServiceError } from './errors.ts'
import { withLock } from './lock.ts'

const mavenFolder = resolve(import.meta.dirname, '../maven')
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1'
const downloadMs = 15 * 60_000

/**
 * The folder `<cache>/artifacts/<name>`, made by Maven when it is not there: filled aside and renamed, so that it is whole or absent;
 * one process downloads, others wait.
 * @param goal the goal of the dependency plugin and its arguments; `{out}` stands for the folder to fill
 * @param unpack what to do with the filled folder before it counts
 * @throws {ServiceError} SERVICE_PREREQUISITE without Maven, SERVICE_DOWNLOAD when Maven fails
 */
export async function mavenArtifacts(
  cache: string,
  name: string,
  goal: readonly string[],
  unpack: (folder: string) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const folder = join(cache, 'artifacts', name)
  if (existsSync(folder)) return folder
  return withLock(`${folder}.lock`, downloadMs, async () => {
    if (existsSync(folder)) return folder
    const aside = `${folder}.partial`
    rmSync(aside, { recursive: true, force: true })
    mkdirSync(aside, { recursive: true })
    const [task, ...rest] = goal
    await runMaven([`${plugin}:${task}`, ...rest.map((arg) => arg.replace('{out}', aside))])
    await unpack(aside)
    renameSync(aside, folder)
    return folder
  })
}

function runMaven(args: readonly string[]): Promise<void> {
  return new Promise((done, failed) => {
    const options = { cwd: mavenFolder, timeout: downloadMs, maxBuffer: 32 << 20 }
    execFile('mvn', ['-B', '-q', '-ntp', ...args], options, (error, stdout, stderr) => {
      if (error === null) return done()
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return failed(
          new ServiceError('SERVICE_PREREQUISITE', 'Maven (mvn) is needed to fetch Java services', { cause: error }),
        )
      }
      const output = `${stdout}${stderr}`.trim().split('\n').slice(0, 12).join('\n')
      failed(new ServiceError('SERVICE_DOWNLOAD', `mvn ${args.join(' ')} failed:\n${output}`, { cause: error }))
    })
  })
}
