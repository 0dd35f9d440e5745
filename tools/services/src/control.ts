import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findCompose } from './compose.ts'
import { ServiceError } from './errors.ts'
import type { InstanceOptions } from './instance.ts'
import { lockMs, serviceNamed, setting, startLaunched, waitHealthy } from './instance.ts'
import { ownProcess, withLock } from './lock.ts'
import { isAlive, signalProcess, untilStill } from './process.ts'
import type { ServiceState } from './state.ts'
import { readState, writeOwner } from './state.ts'

export interface RestartOptions extends InstanceOptions {
  /** How it ends. Default the service's own polite signal; SIGKILL for a crash. */
  readonly signal?: NodeJS.Signals
  /** Awaited while it is down. */
  readonly whileDown?: () => Promise<void>
  /** How long it may take to end, ms. Default 60,000. */
  readonly downWithinMs?: number
}

/**
 * Sends a signal to a service's process: SIGSTOP and SIGCONT to hang and wake it, SIGKILL to crash it. After SIGSTOP it stands still when this
 * resolves. A service that was ended so is started again, over the same data, by `restartService`; `startServices` would start it from nothing.
 * @throws {ServiceError} SERVICE_UNHEALTHY when it does not run
 */
export async function signalService(
  name: string,
  signal: NodeJS.Signals,
  options: InstanceOptions = {},
): Promise<void> {
  const at = setting(options)
  const state = stateOf(at.folder, serviceNamed(at, name).name)
  if (state.process === undefined) {
    const compose = await engineFor(state)
    return compose.signal(state.project!, state.service, state.ports, signal)
  }
  if (!signalProcess(state.process, signal))
    throw new ServiceError('SERVICE_UNHEALTHY', `${name}: its process is gone, ${signal} reaches nobody`)
  if (signal === 'SIGSTOP') await untilStill(state.process)
}

/**
 * Ends a service and starts it again: same ports, same data, same settings. Waits until it is healthy. Also starts one that was killed.
 * Others wait meanwhile if they start services of the same instance; whoever uses the service sees it go.
 */
export async function restartService(name: string, options: RestartOptions = {}): Promise<void> {
  const at = setting(options)
  const service = serviceNamed(at, name)
  await withLock(join(at.folder, '.lock'), lockMs, async () => {
    const state = stateOf(at.folder, name)
    const signal = options.signal ?? service.stopSignal ?? 'SIGTERM'
    if (state.process === undefined) {
      const compose = await engineFor(state)
      const { project, service: file, ports } = state
      if (await compose.isRunning(project!, file, ports)) await compose.signal(project!, file, ports, signal)
      await ended(name, options, async () => !(await compose.isRunning(project!, file, ports)))
      await options.whileDown?.()
      await compose.start(project!, file, ports)
      return waitHealthy(service, state)
    }
    const { process } = state
    signalProcess(process, signal)
    await ended(name, options, () => Promise.resolve(!isAlive(process)))
    await options.whileDown?.()
    await waitHealthy(service, await startLaunched(at, state))
  })
}

/**
 * Makes this process the owner of an instance: when it dies without stopping it, the next start of any instance does. For a program
 * whose children start services in an instance that they share.
 */
export function claimInstance(options: InstanceOptions = {}): void {
  writeOwner(setting(options).folder, ownProcess())
}

async function ended(name: string, options: RestartOptions, isDown: () => Promise<boolean>): Promise<void> {
  const within = options.downWithinMs ?? 60_000
  const until = Date.now() + within
  while (!(await isDown())) {
    if (Date.now() >= until) throw new ServiceError('SERVICE_UNHEALTHY', `${name}: did not end within ${within} ms`)
    await sleep(50)
  }
}

async function engineFor(state: ServiceState) {
  const compose = await findCompose()
  if (compose === undefined)
    throw new ServiceError('SERVICE_PREREQUISITE', `${state.service} runs in Docker Compose, but no engine answers`)
  return compose
}

function stateOf(folder: string, name: string): ServiceState {
  const state = existsSync(folder) ? readState(folder, name) : undefined
  if (state === undefined)
    throw new ServiceError('SERVICE_UNHEALTHY', `${name} does not run in instance ${folder}; start it first`)
  return state
}
