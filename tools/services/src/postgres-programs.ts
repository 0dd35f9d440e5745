import { execFile, execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ServiceError } from './errors.ts'

/** Where systems put the programs of PostgreSQL; those of the server are mostly not in PATH. */
const usualPlaces = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/usr/local/pgsql/bin',
  '/opt/homebrew/opt/postgresql*/bin',
  '/usr/local/opt/postgresql*/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
]

/** The major version in what `postgres --version` prints: 15 of `postgres (PostgreSQL) 15.13 (Debian 15.13-0)`. */
export function postgresMajorVersion(output: string): number | undefined {
  const match = /PostgreSQL\) (\d+)/.exec(output)
  return match === null ? undefined : Number(match[1])
}

/**
 * The folder with `initdb` and `postgres` of at least this version: PATH, then the usual places, the oldest that suffices of those.
 * @throws {ServiceError} SERVICE_PREREQUISITE naming what was found
 */
export async function findPostgres(
  minimum: number,
  env: NodeJS.ProcessEnv = process.env,
  places: readonly string[] = usualPlaces,
): Promise<string> {
  const whole = (folder: string) => ['initdb', 'postgres'].every((program) => existsSync(join(folder, program)))
  const inPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '' && whole(folder))
  const seen: string[] = []
  for (const folders of [inPath, globSync(places).filter(whole)]) {
    const found = await Promise.all(folders.map(async (folder) => ({ folder, version: await versionIn(folder) })))
    const enough = found
      .filter(({ version }) => version !== undefined && version >= minimum)
      .sort((a, b) => a.version! - b.version!)
    if (enough[0] !== undefined) return enough[0].folder
    seen.push(...found.map(({ folder, version }) => `${folder} has ${version ?? 'no PostgreSQL'}`))
  }
  throw new ServiceError(
    'SERVICE_PREREQUISITE',
    `the server of PostgreSQL ${minimum} or newer is needed (initdb, postgres); ${seen.length > 0 ? seen.join(', ') : 'none was found'}`,
  )
}

function versionIn(folder: string): Promise<number | undefined> {
  return new Promise((done) => {
    execFile(join(folder, 'postgres'), ['--version'], { timeout: 20_000 }, (error, stdout) =>
      done(error ? undefined : postgresMajorVersion(stdout)),
    )
  })
}

/**
 * Whom to run as: nobody else, unless this process is root, as which PostgreSQL refuses to run.
 * @throws {ServiceError} SERVICE_PREREQUISITE when root has neither `postgres` nor `nobody`
 */
export function postgresUser(isRoot = process.getuid?.() === 0): { uid: number; gid: number } | undefined {
  if (!isRoot) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = [idOf('-u', name), idOf('-g', name)]
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new ServiceError('SERVICE_PREREQUISITE', 'PostgreSQL does not run as root; a user postgres or nobody is needed')
}

function idOf(flag: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch (error) {
    // id ends with 1 when there is no such user; anything else is a real failure.
    if ((error as { status?: number }).status === 1) return undefined
    throw error
  }
}
