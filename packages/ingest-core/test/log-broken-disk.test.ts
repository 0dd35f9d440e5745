import type * as fsPromises from 'node:fs/promises'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { openSegmentLog } from '../src/log/segment-log.ts'
import { testFolders } from './log-folders.ts'

/** What the file handles of this test do not do. */
const disk = vi.hoisted(() => ({ failing: new Set<'datasync' | 'truncate' | 'write'>() }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof fsPromises>()
  return {
    ...original,
    async open(...args: Parameters<typeof original.open>) {
      const handle = await original.open(...args)
      for (const name of ['datasync', 'truncate', 'write'] as const) {
        const real = handle[name].bind(handle) as (...args: unknown[]) => unknown
        Object.defineProperty(handle, name, {
          value: (...args: unknown[]) =>
            disk.failing.has(name) ? Promise.reject(Object.assign(new Error(name), { code: 'EIO' })) : real(...args),
        })
      }
      return handle
    },
  }
})

const folders = testFolders()
afterEach(() => disk.failing.clear())
afterAll(folders.removeAll)
const records = (value: string) => [{ key: null, value: Buffer.from(value), timestamp: 1 }]

describe('segment log on a failing disk', () => {
  it('acknowledges nothing any more after a failed fsync, until it is opened again', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root })
    await log.createTopic('t', { partitions: 2 })
    await log.append('t', 0, records('kept'))
    disk.failing.add('datasync')
    await expect(log.append('t', 0, records('lost?'))).rejects.toMatchObject({ code: 'LOG_BROKEN' })
    disk.failing.clear()
    await expect(log.append('t', 0, records('after'))).rejects.toMatchObject({ code: 'LOG_BROKEN' })
    await expect(log.flush()).rejects.toMatchObject({ code: 'LOG_BROKEN' })
    expect(await log.append('t', 1, records('another partition'))).toBe(0)
    await log.close()
    const again = await openSegmentLog({ root })
    const { end } = await again.bounds('t', 0)
    expect(end).toBeGreaterThanOrEqual(1)
    expect(await again.append('t', 0, records('again'))).toBe(end)
    await again.close()
  })

  it('goes on after a write that failed and was undone', async () => {
    const log = await openSegmentLog({ root: await folders.make() })
    await log.createTopic('t', { partitions: 1 })
    disk.failing.add('write')
    await expect(log.append('t', 0, records('x'))).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' })
    disk.failing.clear()
    expect(await log.append('t', 0, records('x'))).toBe(0)
    await log.close()
  })

  it('stops when a torn batch cannot be cut off: what waited and what comes fails', async () => {
    const log = await openSegmentLog({ root: await folders.make() })
    await log.createTopic('t', { partitions: 1 })
    disk.failing.add('write').add('truncate')
    const large = Array.from({ length: 4 }, () =>
      log.append('t', 0, [{ ...records('')[0]!, value: new Uint8Array(6e6) }]),
    )
    const results = await Promise.allSettled(large)
    disk.failing.clear()
    const codes = results.map((result) =>
      result.status === 'rejected' ? (result.reason as { code: string }).code : 'written',
    )
    // The first group learns why; the groups behind it are not tried.
    expect(codes).toEqual(['LOG_WRITE_FAILED', 'LOG_WRITE_FAILED', 'LOG_BROKEN', 'LOG_BROKEN'])
    await expect(log.append('t', 0, records('x'))).rejects.toMatchObject({ code: 'LOG_BROKEN' })
    await log.close()
  })
})
