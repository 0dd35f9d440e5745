import { afterEach, describe, expect, it } from 'vitest'
import type { SinkBatch } from '../src/contracts/sink.ts'
import type { FlushSpec } from '../src/sink/flush-spec.ts'
import { createWorkerPool, WorkerCrash } from '../src/workers/pool.ts'
import type { WorkerPool, WorkerPoolOptions } from '../src/workers/pool.ts'
import { WorkerOpError } from '../src/workers/protocol.ts'
import { createWorkerFileSetHost } from '../src/workers/worker-file-set-host.ts'

const url = new URL('./workers-fixture.ts', import.meta.url)
const open: WorkerPool[] = []

function pool(extra: Partial<WorkerPoolOptions> = {}): WorkerPool {
  const made = createWorkerPool({ url, size: 2, workerData: null, deadlineMs: 20_000, resourceLimits: {}, ...extra })
  open.push(made)
  return made
}

const job = (op: string, args: unknown = null) => ({ op, make: () => ({ args, transfer: [] }) })

/** One record of the fixture. */
const letter = (text: string) => ({
  fetched: { kind: 'slab', slab: { bytes: new TextEncoder().encode(text), offsets: [0] } },
  from: 0,
  to: 1,
  crashed: [],
})

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

describe('worker pool', () => {
  it('keeps a key on one worker, and spreads keys', async () => {
    const workers = pool()
    const counts = [
      await workers.run('a', job('calls')),
      await workers.run('a', job('calls')),
      await workers.run('b', job('calls')),
      await workers.run('c', job('calls')),
    ]
    expect(counts).toEqual([1, 2, 1, 3])
    expect(workers.stats()).toMatchObject({ workers: 2, busy: 0, queued: 0, jobs: 4, crashes: 0 })
  })

  it('starts all workers at once when told to, and each only once', async () => {
    const workers = pool()
    expect(workers.stats().workers).toBe(0)
    workers.start()
    expect(workers.stats().workers).toBe(2)
    const incarnation = workers.incarnation('a')
    workers.start()
    expect(await workers.run('a', job('calls'))).toBe(1)
    expect(workers.incarnation('a')).toBe(incarnation)
    await workers.close()
    workers.start()
    expect(workers.stats().workers).toBe(0)
  })

  it('moves buffers instead of copying them, when the job has its turn', async () => {
    const workers = pool({ size: 1 })
    const bytes = new Uint8Array([1, 2, 3])
    let made = 0
    const before = [workers.run('a', job('calls')), workers.run('a', job('calls'))]
    const moved = workers.run<Uint8Array>('a', {
      op: 'echo',
      make: () => {
        made += 1
        return { args: bytes, transfer: [bytes.buffer] }
      },
    })
    expect(made).toBe(0)
    await Promise.all(before)
    expect([...(await moved)]).toEqual([1, 2, 3])
    expect(bytes.byteLength).toBe(0)
  })

  it('hands over what a handler throws, with code and name, and goes on', async () => {
    const workers = pool({ size: 1 })
    const failed = workers.run('a', job('fail'))
    await expect(failed).rejects.toBeInstanceOf(WorkerOpError)
    await expect(failed).rejects.toMatchObject({ code: 'MADE', name: 'RangeError', message: 'made for the test' })
    expect(await workers.run('a', job('calls'))).toBe(1)
  })

  it('fails only the job under which a worker dies, and replaces the worker', async () => {
    const workers = pool({ size: 1 })
    await workers.run('a', job('calls'))
    const results = await Promise.allSettled([workers.run('a', job('die')), workers.run('a', job('calls'))])
    expect(results[0]).toMatchObject({ status: 'rejected', reason: { name: 'WorkerCrash', kind: 'crash' } })
    expect(results[1]).toEqual({ status: 'fulfilled', value: 1 })
    expect(workers.stats().crashes).toBe(1)
  })

  it('gives a worker its next job while it runs one, and that job to the next worker when it dies before', async () => {
    const workers = pool({ size: 1 })
    const incarnation = workers.incarnation('a')
    let made = 0
    const counted = { ...job('calls'), ahead: true, make: () => ({ args: (made += 1), transfer: [] }) }
    const dies = workers.run('a', job('die'))
    const again = workers.run('a', counted)
    expect(made).toBe(1)
    // Only what asks for it, and only one.
    workers.run('b', job('calls')).catch(() => undefined)
    expect(workers.stats()).toMatchObject({ jobs: 2, queued: 1 })
    await expect(dies).rejects.toMatchObject({ name: 'WorkerCrash' })
    expect(await again).toBe(1)
    expect(made).toBe(2)
    expect(workers.incarnation('a')).toBe(incarnation + 1)

    const diesToo = workers.run('a', job('die'))
    const bound = workers.run('a', { ...counted, incarnation: workers.incarnation('a') })
    await expect(diesToo).rejects.toMatchObject({ name: 'WorkerCrash' })
    await expect(bound).rejects.toMatchObject({ code: 'WORKER_LOST' })
    expect(workers.stats().crashes).toBe(2)
  })

  it('counts the deadline of a job from when it has the worker', async () => {
    const workers = pool({ size: 1, deadlineMs: 5000 })
    await workers.run('a', job('calls'))
    const ends = await Promise.allSettled([
      workers.run('a', job('decode', letter('h'))),
      workers.run('a', job('calls')),
      workers.run('a', job('decode', letter('h'))),
      workers.run('a', job('calls')),
    ])
    expect(ends.map((end) => (end.status === 'fulfilled' ? end.value : (end.reason as WorkerCrash).kind))).toEqual([
      'deadline',
      1,
      'deadline',
      1,
    ])
  })

  it('ends a worker that is over its deadline or its heap (fault 82)', async () => {
    const slow = pool({ size: 1, deadlineMs: 5000 })
    await slow.run('a', job('calls'))
    await expect(slow.run('a', job('decode', letter('h')))).rejects.toMatchObject({ kind: 'deadline' })

    const small = pool({ size: 1, resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 } })
    await expect(small.run('a', job('decode', letter('m')))).rejects.toMatchObject({ kind: 'memory' })
    await expect(small.run('a', job('decode', letter('m')))).rejects.toBeInstanceOf(WorkerCrash)
  })

  it('refuses work for state that died with its worker', async () => {
    const workers = pool({ size: 1 })
    const incarnation = workers.incarnation('a')
    expect(await workers.run('a', { ...job('calls'), incarnation })).toBe(1)
    await expect(workers.run('a', job('die'))).rejects.toBeInstanceOf(WorkerCrash)
    await expect(workers.run('a', { ...job('calls'), incarnation })).rejects.toMatchObject({ code: 'WORKER_LOST' })
    expect(workers.incarnation('a')).toBe(incarnation + 1)
  })

  it('tells that open files went with their worker, so that the partition is opened again', async () => {
    const host = createWorkerFileSetHost(pool({ size: 1 }))
    const spec = { partition: { clusterId: 'c', topicId: 't', topic: 't', partition: 0 } } as FlushSpec
    const deadColumns = { fields: [] }
    await host.open('a', { spec, deadColumns })
    await host.open('b', { spec, deadColumns })
    const batch = { batch: { schema: { fields: [] }, length: 0, columns: [] }, rejects: [] } as unknown as SinkBatch
    await expect(host.append('a', batch)).rejects.toMatchObject({ code: 'WORKER_LOST' })
    await expect(host.append('b', batch)).rejects.toMatchObject({ code: 'WORKER_LOST' })
    await expect(host.seal('unknown', 1)).rejects.toMatchObject({ code: 'WORKER_LOST' })
    await host.drop('a')
    await host.drop('a')
    await host.close()
  })

  it('fails running and waiting jobs when it is closed, and takes no more', async () => {
    const workers = pool({ size: 1 })
    const jobs = Array.from({ length: 3 }, () => workers.run('a', job('calls')))
    const settled = Promise.allSettled(jobs)
    await workers.close()
    for (const result of await settled)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'POOL_CLOSED' } })
    await expect(workers.run('a', job('calls'))).rejects.toMatchObject({ code: 'POOL_CLOSED' })
    await workers.close()
  })
})
