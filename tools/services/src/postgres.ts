import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findPostgres, postgresUser } from './postgres-programs.ts'
import type { Service } from './service.ts'

/** The version that infra/compose/postgres.yml runs, held equal by a test; natively any from it on will do. */
export const postgresVersion = 15

const run = promisify(execFile)
const user = 'sluice'
const password = 'sluice-test'
const database = 'sluice'

/**
 * One PostgreSQL node of its own, on TCP at 127.0.0.1 only. What durability needs is left on (fsync, full_page_writes, synchronous_commit),
 * since tests crash it. SIGINT ends it fast, SIGQUIT like a crash, SIGTERM waits for its clients.
 */
export const postgres: Service = {
  name: 'postgres',
  ports: ['sql'],
  healthyWithinMs: 60_000,
  stopSignal: 'SIGINT',
  async launch({ dataFolder, ports }) {
    const programs = await findPostgres(postgresVersion)
    const as = postgresUser()
    const data = as === undefined ? join(dataFolder, 'data') : strangersFolder(dataFolder)
    mkdirSync(data, { mode: 0o700 })
    if (as !== undefined) chownSync(data, as.uid, as.gid)
    const passwordFile = join(data, 'password')
    // initdb wants an empty folder: the cluster lies in one below, the password beside it.
    const cluster = join(data, 'cluster')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    if (as !== undefined) chownSync(passwordFile, as.uid, as.gid)
    const env = { ...process.env, LC_ALL: 'C', LANG: 'C' }
    const identity = ['-U', user, '--pwfile', passwordFile, '--auth', 'scram-sha-256']
    const text = ['--encoding', 'UTF8', '--locale', 'C']
    await run(join(programs, 'initdb'), ['-D', cluster, ...identity, ...text, '--no-sync'], { cwd: '/', env, ...as })
    await createDatabase(join(programs, 'postgres'), cluster, { cwd: '/', env, ...as })
    const settings = {
      listen_addresses: '127.0.0.1',
      port: ports.sql,
      unix_socket_directories: '',
      max_connections: 60,
      max_prepared_transactions: 10,
      jit: 'off',
      log_min_messages: 'warning',
    }
    return {
      program: join(programs, 'postgres'),
      args: ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      env: { LC_ALL: 'C', LANG: 'C' },
      ...(as && { user: as }),
    }
  },
  async probe({ sql }) {
    const { default: pg } = await import('pg')
    const client = new pg.Client({
      connectionString: urlAt(sql!),
      connectionTimeoutMillis: 3_000,
      query_timeout: 3_000,
    })
    // A server that goes away while it is asked says so in the answer as well as here.
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('select 1')
    } finally {
      await client.end()
    }
  },
  environment: ({ sql }) => ({ POSTGRES_URL: urlAt(sql!) }),
  cleanUp(dataFolder) {
    rmSync(strangersFolder(dataFolder), { recursive: true, force: true })
  },
}

const urlAt = (port: number) => `postgres://${user}:${password}@127.0.0.1:${port}/${database}`

/** A folder for the data of a server that runs as another user, who may not be allowed into the cache. The same for the same `dataFolder`. */
function strangersFolder(dataFolder: string): string {
  return join(tmpdir(), `sluice-postgres-${createHash('sha256').update(dataFolder).digest('hex').slice(0, 16)}`)
}

/** Makes the database in single-user mode, before anybody can connect. */
async function createDatabase(
  program: string,
  cluster: string,
  options: { cwd: string; env: NodeJS.ProcessEnv; uid?: number; gid?: number },
): Promise<void> {
  const child = spawn(program, ['--single', '-D', cluster, 'postgres'], { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stdin.end(`create database ${database}\n`)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0 || /ERROR|FATAL/.test(output)) throw new Error(`creating database ${database} failed: ${output}`)
}
