import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { apicurio } from './apicurio.ts'
import { azurite } from './azurite.ts'
import type { Compose } from './compose.ts'
import { findCompose } from './compose.ts'
import { ServiceError } from './errors.ts'
import { fakeGcs } from './fake-gcs.ts'
import { cacheFolder, instanceFolder } from './folders.ts'
import { kafkaSecure } from './kafka-secure.ts'
import { kafka } from './kafka.ts'
import { ownProcess, withLock } from './lock.ts'
import { minio } from './minio.ts'
import { freePorts } from './ports.ts'
import { postgres } from './postgres.ts'
import { isAlive, startDetached, stopProcess } from './process.ts'
import type { Service } from './service.ts'
import type { ServiceState } from './state.ts'
import { dataFolderOf, listStates, readOwner, readState, removeState, writeOwner, writeState } from './state.ts'

/** Every service that can be started, by name. */
export const services: Readonly<Record<string, Service>> = {
  kafka,
  'kafka-secure': kafkaSecure,
  apicurio,
  minio,
  'fake-gcs': fakeGcs,
  azurite,
  postgres,
}

export interface InstanceOptions {
  /** Sets of services with different names live side by side. Default `default`. */
  readonly instance?: string
  /** Default: `cacheFolder()`. */
  readonly cache?: string
  /**
   * The instance lives for this process: should it die without stopping it, the next start of any instance does.
   * Default false: services stay until `stopServices`.
   */
  readonly owned?: boolean
  /** `native` never asks Docker; `auto` (default) uses Compose where an engine answers. */
  readonly backend?: 'auto' | 'native'
  /** Told what happens, a line each. */
  readonly report?: (line: string) => void
  /** The services to choose from; tests bring their own. */
  readonly catalogue?: Readonly<Record<string, Service>>
}

/** How one service of an instance is doing. */
export interface ServiceStatus {
  readonly service: string
  readonly backend: 'native' | 'compose'
  readonly state: 'healthy' | 'running' | 'dead'
  readonly ports: Readonly<Record<string, number>>
  readonly pid?: number
  readonly logFile: string
  /** Why it is not healthy. */
  readonly reason?: string
}

export const lockMs = 20 * 60_000
const startAttempts = 3
const stopGraceMs = 15_000

export interface Setting {
  readonly folder: string
  readonly cache: string
  readonly options: InstanceOptions
  readonly catalogue: Readonly<Record<string, Service>>
  readonly report: (line: string) => void
}

export function setting(options: InstanceOptions): Setting {
  const cache = options.cache ?? cacheFolder()
  return {
    folder: instanceFolder(cache, options.instance ?? 'default'),
    cache,
    options,
    catalogue: options.catalogue ?? services,
    report: options.report ?? (() => undefined),
  }
}

/**
 * Starts the named services of an instance and waits until each answers as its users need it; those already healthy stay as they are,
 * dead ones are cleared away and started anew. When one fails, the others stay up.
 * @returns the environment variables by which programs find them
 * @throws {ServiceError} with the reason and the last lines of the log
 */
export async function startServices(
  names: readonly string[],
  options: InstanceOptions = {},
): Promise<Record<string, string>> {
  const at = setting(options)
  for (const name of names) serviceNamed(at, name)
  await stopOrphans(at)
  return withLock(join(at.folder, '.lock'), lockMs, async () => {
    if (options.owned) writeOwner(at.folder, ownProcess())
    const compose = options.backend === 'native' ? undefined : await findCompose()
    const ends = await Promise.allSettled(
      [...new Set(names)].map((name) => startOne(at, serviceNamed(at, name), compose)),
    )
    const failed = ends.filter((end) => end.status === 'rejected').map((end) => end.reason as Error)
    if (failed.length === 1) throw failed[0]
    if (failed.length > 1) throw new AggregateError(failed, failed.map((error) => error.message).join('\n'))
    return Object.assign({}, ...ends.map((end) => (end.status === 'fulfilled' ? end.value : {}))) as Record<
      string,
      string
    >
  })
}

export function serviceNamed(at: Setting, name: string): Service {
  const service = Object.hasOwn(at.catalogue, name) ? at.catalogue[name] : undefined
  if (service === undefined)
    throw new ServiceError(
      'SERVICE_UNKNOWN',
      `no service '${name}'; there are: ${Object.keys(at.catalogue).join(', ')}`,
    )
  return service
}

async function startOne(
  at: Setting,
  service: Service,
  compose: Compose | undefined,
): Promise<Readonly<Record<string, string>>> {
  const before = readState(at.folder, service.name)
  if (before !== undefined) {
    const status = await statusOf(at, before)
    if (status.state === 'healthy') {
      at.report(`${service.name}: already healthy`)
      return service.environment(before.ports, dataFolderOf(at.folder, service.name))
    }
    at.report(`${service.name}: clearing away what is left of an earlier start`)
    await stopOne(at, before)
  }
  for (let attempt = 1; ; attempt++) {
    const started = performance.now()
    const ports = await choosePorts(service)
    const native = compose === undefined || service.nativeOnly === true
    const state = native ? await launchNative(at, service, ports) : planCompose(at, service, ports)
    try {
      if (state.backend === 'compose') await compose!.up(state.project!, service.name, ports)
      await waitHealthy(service, state)
      const where = Object.entries(ports).map(([name, port]) => `${name} ${port}`)
      at.report(
        `${service.name}: healthy after ${((performance.now() - started) / 1000).toFixed(1)} s (${state.backend}, ${where.join(', ')})`,
      )
      return service.environment(ports, dataFolderOf(at.folder, service.name))
    } catch (error) {
      // Compose says in its error, not in the log, that it could not start.
      const log = `${await logOf(state, compose)}${state.backend === 'compose' ? String(error) : ''}`
      await stopOne(at, state)
      // A port can be taken between its choice and its use: that, and only that, is worth another attempt.
      if (
        attempt < startAttempts &&
        /address already in use|EADDRINUSE|port is already (allocated|in use)/i.test(log)
      ) {
        at.report(`${service.name}: a port was taken meanwhile, choosing others`)
        continue
      }
      const reason = error instanceof Error ? error.message : String(error)
      throw new ServiceError('SERVICE_UNHEALTHY', `${service.name}: ${reason}\n--- end of its log ---\n${log}`, {
        cause: error,
      })
    }
  }
}

async function choosePorts(service: Service): Promise<Record<string, number>> {
  const ports = await freePorts(service.ports.length)
  return Object.fromEntries(service.ports.map((name, i) => [name, ports[i]!]))
}

async function launchNative(at: Setting, service: Service, ports: Record<string, number>): Promise<ServiceState> {
  const dataFolder = dataFolderOf(at.folder, service.name)
  const logFile = join(at.folder, `${service.name}.log`)
  removeState(at.folder, service.name)
  service.cleanUp?.(dataFolder)
  mkdirSync(dataFolder, { recursive: true })
  at.report(`${service.name}: preparing`)
  const launch = await service.launch({ cache: at.cache, dataFolder, ports })
  return startLaunched(at, { service: service.name, backend: 'native', ports, launch, logFile })
}

/** Starts the process of a native service, over whatever data it has, and writes it down. */
export async function startLaunched(at: Setting, planned: ServiceState): Promise<ServiceState> {
  const launch = planned.launch!
  const process_ = await startDetached(launch.program, launch.args, {
    // One that runs as another user may not be allowed into the cache.
    cwd: launch.user === undefined ? dataFolderOf(at.folder, planned.service) : '/',
    env: { ...process.env, ...launch.env },
    logFile: planned.logFile,
    ...(launch.user && { user: launch.user }),
  })
  const state: ServiceState = { ...planned, process: process_ }
  writeState(at.folder, state)
  return state
}

function planCompose(at: Setting, service: Service, ports: Record<string, number>): ServiceState {
  const project = `sluice-${basename(at.folder)}-${service.name}`
  const state: ServiceState = {
    service: service.name,
    backend: 'compose',
    ports,
    project,
    logFile: `docker compose -p ${project} logs`,
  }
  writeState(at.folder, state)
  at.report(`${service.name}: starting its container`)
  return state
}

export async function waitHealthy(service: Service, state: ServiceState): Promise<void> {
  const until = Date.now() + service.healthyWithinMs
  for (;;) {
    try {
      return await service.probe(state.ports)
    } catch (error) {
      if (state.process !== undefined && !isAlive(state.process))
        throw new Error('the process ended before it was healthy', { cause: error })
      if (Date.now() >= until) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new Error(`not healthy after ${service.healthyWithinMs} ms: ${reason}`, { cause: error })
      }
    }
    await sleep(150)
  }
}

async function logOf(state: ServiceState, compose: Compose | undefined): Promise<string> {
  if (state.backend === 'compose')
    return compose === undefined ? '' : compose.logs(state.project!, state.service, state.ports)
  if (!existsSync(state.logFile)) return ''
  return readFileSync(state.logFile, 'utf8').trimEnd().split('\n').slice(-30).join('\n')
}

/**
 * Stops what `startServices` started for this instance, and nothing else; deletes its data. Safe to call twice.
 * @returns the names of the services that were stopped
 */
export async function stopServices(options: InstanceOptions = {}): Promise<string[]> {
  const at = setting(options)
  if (!existsSync(at.folder)) return []
  return stopFolder(at)
}

function stopFolder(at: Setting): Promise<string[]> {
  return withLock(join(at.folder, '.lock'), lockMs, async () => {
    const states = listStates(at.folder)
    await Promise.all(states.map((state) => stopOne(at, state)))
    for (const state of states) at.report(`${state.service}: stopped`)
    rmSync(at.folder, { recursive: true, force: true })
    return states.map((state) => state.service)
  })
}

async function stopOne(at: Setting, state: ServiceState): Promise<void> {
  const service = Object.hasOwn(at.catalogue, state.service) ? at.catalogue[state.service] : undefined
  if (state.process !== undefined) await stopProcess(state.process, stopGraceMs, service?.stopSignal)
  if (state.project !== undefined) {
    const compose = await findCompose()
    if (compose === undefined)
      throw new ServiceError(
        'SERVICE_PREREQUISITE',
        `${state.service} runs in Docker Compose project ${state.project}, but no engine answers`,
      )
    await compose.down(state.project, state.service, state.ports)
  }
  removeState(at.folder, state.service)
  service?.cleanUp?.(dataFolderOf(at.folder, state.service))
}

/** Stops instances whose owner died. */
async function stopOrphans(at: Setting): Promise<void> {
  const all = join(at.cache, 'run')
  if (!existsSync(all)) return
  for (const name of readdirSync(all)) {
    const folder = join(all, name)
    const owner = readOwner(folder)
    if (owner === undefined || isAlive(owner)) continue
    at.report(`instance ${name}: its owner is gone, stopping what it left`)
    await stopFolder({ ...at, folder })
  }
}

/** How the services of an instance are doing, each asked now. */
export async function serviceStatuses(options: InstanceOptions = {}): Promise<ServiceStatus[]> {
  const at = setting(options)
  return Promise.all(listStates(at.folder).map((state) => statusOf(at, state)))
}

async function statusOf(at: Setting, state: ServiceState): Promise<ServiceStatus> {
  const { service, backend, ports, logFile } = state
  const base = { service, backend, ports, logFile, ...(state.process && { pid: state.process.pid }) }
  if (state.process !== undefined && !isAlive(state.process))
    return { ...base, state: 'dead', reason: 'its process is gone' }
  try {
    await serviceNamed(at, service).probe(ports)
    return { ...base, state: 'healthy' }
  } catch (error) {
    return {
      ...base,
      state: state.process === undefined ? 'dead' : 'running',
      reason: error instanceof Error ? error.message : String(error),
    }
  }
}

/**
 * The environment of an instance's healthy services.
 * @throws {ServiceError} SERVICE_UNHEALTHY when it has none, or one that is not healthy
 */
export async function instanceEnvironment(options: InstanceOptions = {}): Promise<Record<string, string>> {
  const at = setting(options)
  const statuses = await serviceStatuses(options)
  if (statuses.length === 0)
    throw new ServiceError('SERVICE_UNHEALTHY', `instance ${basename(at.folder)} has no services; start them with 'up'`)
  const env: Record<string, string> = {}
  for (const status of statuses) {
    if (status.state !== 'healthy')
      throw new ServiceError(
        'SERVICE_UNHEALTHY',
        `${status.service} is ${status.state}: ${status.reason ?? ''} (${status.logFile})`,
      )
    Object.assign(
      env,
      serviceNamed(at, status.service).environment(status.ports, dataFolderOf(at.folder, status.service)),
    )
  }
  return env
}
