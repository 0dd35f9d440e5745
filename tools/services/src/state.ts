import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServiceError } from './errors.ts'
import type { ProcessId } from './process.ts'
import type { Launch } from './service.ts'

/** What is written down about a started service before it is waited for, so that no crash leaves it unknown. */
export interface ServiceState {
  readonly service: string
  readonly backend: 'native' | 'compose'
  readonly ports: Readonly<Record<string, number>>
  /** Native only: the process. */
  readonly process?: ProcessId
  /** Native only: how to start the same process again over the same data. */
  readonly launch?: Launch
  /** Compose only: the project. */
  readonly project?: string
  readonly logFile: string
}

/** The folder of a service's own; deleted when it stops. */
export const dataFolderOf = (folder: string, service: string) => join(folder, `${service}.data`)

const stateFile = (folder: string, service: string) => join(folder, `${service}.json`)

/** Writes the state so that a reader sees all of it or none. */
export function writeState(folder: string, state: ServiceState): void {
  mkdirSync(folder, { recursive: true })
  const file = stateFile(folder, state.service)
  writeFileSync(`${file}.new`, JSON.stringify(state, null, 2) + '\n')
  renameSync(`${file}.new`, file)
}

/** @throws {ServiceError} SERVICE_STATE when the file is not what `writeState` writes */
export function readState(folder: string, service: string): ServiceState | undefined {
  const file = stateFile(folder, service)
  if (!existsSync(file)) return undefined
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as ServiceState
    const whole =
      state.service === service &&
      typeof state.ports === 'object' &&
      (state.backend === 'native' ? Number.isInteger(state.process?.pid) : typeof state.project === 'string')
    if (!whole) throw new Error('fields are missing')
    return state
  } catch (error) {
    throw new ServiceError('SERVICE_STATE', `${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** The states in an instance's folder, by service name. */
export function listStates(folder: string): ServiceState[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json') && file !== 'owner.json')
    .sort()
    .map((file) => readState(folder, file.slice(0, -'.json'.length))!)
}

export function removeState(folder: string, service: string): void {
  rmSync(stateFile(folder, service), { force: true })
  rmSync(dataFolderOf(folder, service), { recursive: true, force: true })
  rmSync(join(folder, `${service}.log`), { force: true })
}

/** The process an instance lives for: when it dies, the next start of any instance stops what it left. */
export function writeOwner(folder: string, owner: ProcessId): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner))
}

export function readOwner(folder: string): ProcessId | undefined {
  const file = join(folder, 'owner.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ProcessId) : undefined
}
