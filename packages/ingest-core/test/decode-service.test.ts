import { afterEach, describe, expect, it } from 'vitest'
import type { Fetched } from '../src/contracts/records.ts'
import { createDecodeService } from '../src/decode/decode-service.ts'
import { createSchemaResolver } from '../src/decode/schema-resolver.ts'
import { createIngestWorkers } from '../src/workers/ingest-workers.ts'
import type { IngestWorkers } from '../src/workers/ingest-workers.ts'
import { contractFor, partitionOf, slabOf } from './pipeline-fakes.ts'

const registry = {
  getById: () => Promise.resolve(undefined),
  register: () => Promise.resolve(1),
  latest: () => Promise.resolve(undefined),
}
const open: IngestWorkers[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

function service(extra: { maxCrashesPerChunk?: number; deadlineMs?: number } = {}) {
  const workers = createIngestWorkers({
    contracts: [contractFor('a')],
    size: 1,
    url: new URL('./workers-fixture.ts', import.meta.url),
    deadlineMs: extra.deadlineMs ?? 20_000,
    sandboxDeadlineMs: extra.deadlineMs ?? 20_000,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
  })
  open.push(workers)
  const decoder = createDecodeService({
    workers,
    contracts: [contractFor('a')],
    schemas: createSchemaResolver({ registry }),
    ...(extra.maxCrashesPerChunk !== undefined && { maxCrashesPerChunk: extra.maxCrashesPerChunk }),
  })
  return { workers, decoder }
}

function chunk(letters: string, start = 0): Fetched {
  return slabOf(partitionOf('a'), letters, start)
}

async function outcome(decoder: ReturnType<typeof service>['decoder'], fetched: Fetched) {
  const batches = await decoder.decode(fetched, fetched.start)
  let at = fetched.start
  for (const batch of batches) {
    expect(batch.start).toBe(at)
    at = batch.end
  }
  expect(at).toBe(fetched.end)
  return {
    rows: batches.flatMap((each) => [...(each.batch.columns[0]!.values as BigInt64Array)].map(Number)),
    dead: batches.flatMap((each) => each.rejects.map((reject) => [reject.offset, reject.code])),
  }
}

describe('decoding in workers', () => {
  it('leaves the caller its bytes', async () => {
    const { decoder } = service()
    const fetched = chunk('ggg')
    expect((await outcome(decoder, fetched)).rows).toEqual([0, 1, 2])
    expect(fetched.kind === 'slab' && fetched.slab.bytes.length).toBe(3)
  })

  it.each([
    ['ends its thread', 'x'],
    ['eats the heap', 'm'],
  ])('isolates a record that %s; its neighbours are rows', async (_, letter) => {
    const { decoder, workers } = service()
    const letters = `gggg${letter}ggg${letter}gg`
    expect(await outcome(decoder, chunk(letters, 100))).toEqual({
      rows: [100, 101, 102, 103, 105, 106, 107, 109, 110],
      dead: [
        [104, 'decode_crash'],
        [108, 'decode_crash'],
      ],
    })
    expect(workers.stats().crashes).toBe(1)
  })

  it('isolates a record that never returns (fault 82)', async () => {
    const { decoder } = service({ deadlineMs: 2_000 })
    expect(await outcome(decoder, chunk('ggh'))).toEqual({ rows: [0, 1], dead: [[2, 'decode_crash']] })
  })

  it('knows the record when the chunk is read again, and keeps later chunks of the partition in the sandbox', async () => {
    const { decoder, workers } = service()
    await outcome(decoder, chunk('gxg'))
    const { crashes, sandboxCrashes } = workers.stats()
    expect(await outcome(decoder, chunk('gxg'))).toEqual({ rows: [0, 2], dead: [[1, 'decode_crash']] })
    expect(workers.stats()).toMatchObject({ crashes, sandboxCrashes })
    expect((await outcome(decoder, chunk('gx', 10))).dead).toEqual([[11, 'decode_crash']])
    expect(workers.stats().crashes).toBe(crashes)
  })

  it('divides a chunk that is too much as a whole, and blames nobody', async () => {
    const { decoder } = service()
    expect(await outcome(decoder, chunk('gwgwggwg'))).toEqual({ rows: [0, 1, 2, 3, 4, 5, 6, 7], dead: [] })
  })

  it('stops when no record can be blamed, or too many', async () => {
    // `z` ends the thread whatever is asked of it, so that even a single refused record does.
    const { decoder } = service()
    await expect(decoder.decode(chunk('zz'), 0)).rejects.toMatchObject({ code: 'DECODE_CRASH_UNISOLATED' })
    const many = service({ maxCrashesPerChunk: 4 })
    await expect(many.decoder.decode(chunk('xxxxxxxx'), 0)).rejects.toMatchObject({ code: 'DECODE_CRASH_UNISOLATED' })
  })

  it('hands on a defect of a decoder as it is: no record is blamed for it', async () => {
    const { decoder, workers } = service()
    await expect(decoder.decode(chunk('gt'), 0)).rejects.toThrow('a defect')
    expect(workers.stats()).toMatchObject({ crashes: 0, sandboxCrashes: 0 })
  })
})
