import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { ServiceError } from './errors.ts'

/** Where systems and version managers put Java runtimes. */
const usualPlaces = [
  '/usr/lib/jvm/*',
  '/usr/java/*',
  '/opt/java/*',
  '/opt/jdk*',
  '/Library/Java/JavaVirtualMachines/*/Contents/Home',
]
const homePlaces = ['.sdkman/candidates/java/*', '.jdks/*', '.asdf/installs/java/*']

/** The feature version in what `java -version` prints: 17 of `"17.0.15"`, 8 of `"1.8.0_402"`. */
export function javaFeatureVersion(output: string): number | undefined {
  const match = /version "(\d+)(?:\.(\d+))?/.exec(output)
  if (match === null) return undefined
  return match[1] === '1' ? Number(match[2]) : Number(match[1])
}

/**
 * A `java` program of at least this feature version: JAVA_HOME, then PATH, then the usual places; the oldest that suffices of those,
 * so that a service runs on what it is tested with rather than on the newest.
 * @throws {ServiceError} SERVICE_PREREQUISITE naming what was found
 */
export async function findJava(minimum: number, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const preferred = [env.JAVA_HOME ? join(env.JAVA_HOME, 'bin/java') : undefined, 'java'].filter(
    (program) => program !== undefined,
  )
  const seen: string[] = []
  for (const program of preferred) {
    const version = await versionOf(program, env)
    if (version === undefined) continue
    if (version >= minimum) return program
    seen.push(`${program} is ${version}`)
  }
  const patterns = [...usualPlaces, ...(env.HOME ? homePlaces.map((place) => join(env.HOME!, place)) : [])]
  const programs = globSync(patterns)
    .map((folder) => join(folder, 'bin/java'))
    .filter((program) => existsSync(program))
  const found = await Promise.all(
    programs.map(async (program) => ({ program, version: await versionOf(program, env) })),
  )
  const enough = found
    .filter((java) => java.version !== undefined && java.version >= minimum)
    .sort((a, b) => a.version! - b.version!)
  if (enough[0] !== undefined) return enough[0].program
  seen.push(...found.map((java) => `${java.program} is ${java.version ?? 'no Java'}`))
  throw new ServiceError(
    'SERVICE_PREREQUISITE',
    `Java ${minimum} or newer is needed; ${seen.length > 0 ? seen.join(', ') : 'no Java was found'}`,
  )
}

function versionOf(program: string, env: NodeJS.ProcessEnv): Promise<number | undefined> {
  return new Promise((done) => {
    execFile(program, ['-version'], { env, timeout: 20_000 }, (error, stdout, stderr) =>
      done(error ? undefined : javaFeatureVersion(stdout + stderr)),
    )
  })
}
