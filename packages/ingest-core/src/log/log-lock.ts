import { randomUUID } from 'node:crypto'
import { open, readFile, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { LogError } from '../errors/log-error.ts'
import { errnoOf, readIfThere } from './log-meta.ts'

interface LockOwner {
  readonly token: string
  readonly pid: number
  readonly host: string
  /** Tells two processes with one pid apart (containers reuse them); null where the system does not say. */
  readonly started: string | null
}

/** Held by this process, whatever thread or module copy asks. */
const mine = new Set<string>()

/**
 * One writer per log: a create-only file naming the process. The lock of a dead process is taken over; one of another
 * host is not, because from here nobody can tell whether it lives. Returns the release.
 * @throws LogError LOG_LOCKED naming the owner
 */
export async function lockLog(root: string): Promise<() => Promise<void>> {
  const path = join(root, '.lock')
  const owner: LockOwner = {
    token: randomUUID(),
    pid: process.pid,
    host: hostname(),
    started: await startedAt(process.pid),
  }
  if (!(await createOnly(path, owner))) await takeOver(root, path, owner)
  mine.add(owner.token)
  return async () => {
    if (!mine.delete(owner.token)) return
    if ((await readOwner(path))?.token === owner.token) await unlink(path)
  }
}

/** Only one process at a time may judge and remove a dead lock: otherwise two could, and the second removes a live one. */
async function takeOver(root: string, path: string, owner: LockOwner): Promise<void> {
  const judging = join(root, '.lock-takeover')
  if (!(await createOnly(judging, owner))) {
    const judge = await readOwner(judging)
    if (judge !== undefined && (await isAlive(judge))) throw locked(root, judge)
    await unlinkIfThere(judging)
    if (!(await createOnly(judging, owner))) throw locked(root, await readOwner(judging))
  }
  try {
    const holder = await readOwner(path)
    if (holder !== undefined && (await isAlive(holder))) throw locked(root, holder)
    await unlinkIfThere(path)
    if (!(await createOnly(path, owner))) throw locked(root, await readOwner(path))
  } finally {
    await unlinkIfThere(judging)
  }
}

async function createOnly(path: string, owner: LockOwner): Promise<boolean> {
  try {
    const handle = await open(path, 'wx')
    try {
      await handle.writeFile(JSON.stringify(owner))
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Undefined when the file is gone or was never finished: its writer died between creating and writing it. */
async function readOwner(path: string): Promise<LockOwner | undefined> {
  const text = await readIfThere(path)
  if (text === undefined || text === '') return undefined
  try {
    const owner = JSON.parse(text) as LockOwner
    return Number.isInteger(owner.pid) ? owner : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

async function isAlive(owner: LockOwner): Promise<boolean> {
  if (mine.has(owner.token) || owner.host !== hostname()) return true
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false
    if (errnoOf(error) !== 'EPERM') throw error
  }
  const started = await startedAt(owner.pid)
  return started === null || owner.started === null || started === owner.started
}

/** Boot id and start time in clock ticks, from Linux's /proc. */
async function startedAt(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') return null
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    // The name, in parentheses, may hold spaces; the start time is the 20th field behind it.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return `${boot.trim()}/${ticks}`
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return null
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

function locked(root: string, owner: LockOwner | undefined): LogError {
  const who = owner === undefined ? 'a process that has just started' : `process ${owner.pid} on ${owner.host}`
  return new LogError(
    'LOG_LOCKED',
    `${root} is being written by ${who}; stop it first, or delete the .lock file if that host is gone for good`,
  )
}
