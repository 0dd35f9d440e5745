import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { SchemaError } from '../errors.ts'

/**
 * Runs `work` while holding a lock file, one process of any number at a time.
 * The lock appears by hard link, so it is never seen without its owner. The lock of a process that died on this machine
 * is removed; one of a living process or of another machine never is, however old, for its owner may still write.
 * @throws {SchemaError} REGISTRY_UNAVAILABLE when the lock stays taken for `waitMs`
 */
export async function withFileLock<T>(
  lockFile: string,
  waitMs: number,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const owner = JSON.stringify({ host: hostname(), pid: process.pid, token: randomUUID() })
  const deadline = Date.now() + waitMs
  for (;;) {
    signal?.throwIfAborted()
    if (await take(lockFile, owner)) break
    await removeIfDead(lockFile, owner)
    if (Date.now() > deadline) {
      const text = `${lockFile} has been held for ${waitMs} ms; remove it if the process named in it is gone`
      throw new SchemaError('REGISTRY_UNAVAILABLE', text)
    }
    await sleep(5 + Math.random() * 20)
  }
  try {
    return await work()
  } finally {
    await rm(lockFile, { force: true })
  }
}

/** Creates the file with its content in one step; false when it is there. */
async function take(lockFile: string, owner: string): Promise<boolean> {
  const draft = `${lockFile}.${randomUUID()}`
  try {
    await writeFile(draft, owner)
    await link(draft, lockFile)
    return true
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false
    throw new SchemaError('REGISTRY_UNAVAILABLE', `cannot lock ${lockFile}`, { cause })
  } finally {
    await rm(draft, { force: true })
  }
}

/** Those who notice a dead owner take turns, so that none removes the lock of the next owner instead. */
async function removeIfDead(lockFile: string, owner: string): Promise<void> {
  if (!(await ownerIsDead(lockFile))) return
  const breaker = `${lockFile}.break`
  if (!(await take(breaker, owner))) return
  try {
    if (await ownerIsDead(lockFile)) await rm(lockFile, { force: true })
  } finally {
    await rm(breaker, { force: true })
  }
}

async function ownerIsDead(lockFile: string): Promise<boolean> {
  let text: string
  try {
    text = await readFile(lockFile, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return false
    throw new SchemaError('REGISTRY_UNAVAILABLE', `cannot read ${lockFile}`, { cause })
  }
  const match = /^\{"host":"([^"]*)","pid":(\d+),/.exec(text)
  if (match === null || match[1] !== hostname()) return false
  try {
    process.kill(Number(match[2]), 0)
    return false
  } catch (cause) {
    return hasCode(cause, 'ESRCH')
  }
}

/** True for a system error with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
