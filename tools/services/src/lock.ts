import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from './errors.ts'
import type { ProcessId } from './process.ts'
import { isAlive, processStart } from './process.ts'

/** This process, as others can recognise it. */
export function ownProcess(): ProcessId {
  return { pid: process.pid, startedAt: processStart(process.pid)! }
}

let counter = 0

/**
 * Runs `work` while holding the lock file; one process (and one call within it) at a time. The lock of a process that died is taken over.
 * @throws {ServiceError} SERVICE_LOCKED when a living process holds it longer than `waitMs`
 */
export async function withLock<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const until = Date.now() + waitMs
  while (!tryLock(file)) {
    if (Date.now() >= until)
      throw new ServiceError('SERVICE_LOCKED', `${file} is held by process ${readHolder(file)?.pid ?? '?'}`)
    await sleep(100)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function tryLock(file: string): boolean {
  const holder = readHolder(file)
  if (holder !== undefined && !isAlive(holder)) {
    // Moved away rather than deleted: of two processes that see the same dead holder only one succeeds.
    const aside = `${file}.${process.pid}.${counter++}`
    try {
      renameSync(file, aside)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return false
    }
    rmSync(aside)
  }
  mkdirSync(dirname(file), { recursive: true })
  try {
    writeFileSync(file, JSON.stringify(ownProcess()), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Who holds the lock; undefined when nobody does or the holder is just writing its name. */
function readHolder(file: string): ProcessId | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return text === '' ? undefined : (JSON.parse(text) as ProcessId)
}
