import { existsSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { performance } from 'node:perf_hooks'

/**
 * What is broken inside a worker process, in all its threads, before any of the pipeline is loaded (`--import`):
 *
 * - `CHAOS_CLOCK`: ms. The wall clock is off by so much from the start, right again after 2 s, off by as much the other way
 *   after 4 s, and right from the sixth second on. Timers and the monotonic clock stay right, as on a real machine.
 * - `CHAOS_DISK`: a folder. While the file `<folder>.full` exists, writes below the folder end half done with ENOSPC.
 */
const { CHAOS_CLOCK: shift, CHAOS_DISK: disk } = process.env

if (shift !== undefined) {
  const RealDate = Date
  const realNow = Date.now.bind(Date)
  const swing = [1, 0, -1, 0]
  const offset = (): number => Number(shift) * swing[Math.min(swing.length - 1, Math.floor(performance.now() / 2000))]!
  const now = (): number => Math.round(realNow() + offset())
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
    get: (target, key, receiver): unknown => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  })
}

if (disk !== undefined) {
  const { open } = promises
  promises.open = async (path, ...more) => {
    const handle = await open(path, ...more)
    if (!String(path).startsWith(disk)) return handle
    const write = handle.writeFile.bind(handle)
    handle.writeFile = async (data, ...options) => {
      if (!existsSync(`${disk}.full`)) return write(data, ...options)
      if (data instanceof Uint8Array) await write(data.subarray(0, data.length >> 1))
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
    }
    return handle
  }
  syncBuiltinESMExports()
}
