import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Docker Compose, as far as services need it. */
export interface Compose {
  /** Starts the service's file as a project of its own and waits until its containers run. */
  up(project: string, service: string, ports: Readonly<Record<string, number>>): Promise<void>
  /** Whether a container of the project runs. */
  isRunning(project: string, service: string, ports: Readonly<Record<string, number>>): Promise<boolean>
  /** The last lines its containers printed. */
  logs(project: string, service: string, ports: Readonly<Record<string, number>>): Promise<string>
  /** Sends a signal to the container's process. */
  signal(project: string, service: string, ports: Readonly<Record<string, number>>, signal: string): Promise<void>
  /** Starts its stopped containers again, data and all, and waits until they run. */
  start(project: string, service: string, ports: Readonly<Record<string, number>>): Promise<void>
  /** Stops and removes the project's containers and volumes. */
  down(project: string, service: string, ports: Readonly<Record<string, number>>): Promise<void>
}

/** Compose through the `docker` program; undefined when there is no engine that answers, or no Compose. */
export async function findCompose(program = 'docker'): Promise<Compose | undefined> {
  try {
    await run(program, ['info', '--format', '{{.ServerVersion}}'], { timeout: 10_000 })
    await run(program, ['compose', 'version'], { timeout: 10_000 })
  } catch {
    // Every reason means the same: no program, no engine, no Compose plugin. Services then start natively.
    return undefined
  }
  const compose = async (
    project: string,
    service: string,
    ports: Readonly<Record<string, number>>,
    args: readonly string[],
  ) => {
    const file = resolve(import.meta.dirname, '../../../infra/compose', `${service}.yml`)
    const { stdout } = await run(program, ['compose', '-p', project, '-f', file, ...args], {
      env: { ...process.env, ...composeEnvironment(ports) },
      timeout: 10 * 60_000,
      maxBuffer: 32 << 20,
    })
    return stdout
  }
  return {
    up: async (project, service, ports) => {
      await compose(project, service, ports, ['up', '--detach', '--wait', '--quiet-pull'])
    },
    isRunning: async (project, service, ports) =>
      (await compose(project, service, ports, ['ps', '--quiet', '--status', 'running'])).trim() !== '',
    logs: (project, service, ports) => compose(project, service, ports, ['logs', '--no-color', '--tail', '30']),
    signal: async (project, service, ports, signal) => {
      await compose(project, service, ports, ['kill', '--signal', signal])
    },
    start: async (project, service, ports) => {
      await compose(project, service, ports, ['start', '--wait'])
    },
    down: async (project, service, ports) => {
      await compose(project, service, ports, ['down', '--volumes', '--timeout', '15'])
    },
  }
}

/** The ports as the compose files read them. */
export function composeEnvironment(ports: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [`SLUICE_${name.toUpperCase()}_PORT`, String(port)]),
  )
}
