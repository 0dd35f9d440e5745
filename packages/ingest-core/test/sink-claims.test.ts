import { expect, it } from 'vitest'
import { sinkTestContract, sinkTestPartition } from '../src/conformance/sink-records.ts'
import type { ObjectStore } from '../src/contracts/object-store.ts'
import { createFileSink } from '../src/sink/file-sink.ts'
import { createMemoryStore } from '../src/stores/memory-store.ts'
import { never } from './pipeline-lake.ts'

const partitions = [0, 1, 2, 3].map((partition) => ({ ...sinkTestPartition, partition }))

/** A store in memory that tells of each claim of a folder before it is put. */
async function claimsTo(claiming: (key: string) => Promise<void> | void): Promise<ObjectStore> {
  const store = createMemoryStore()
  await store.open(never)
  return {
    ...store,
    async putIfAbsent(key, body, sha256, metadata, signal) {
      if (key.includes('_owners/')) await claiming(key)
      signal.throwIfAborted()
      return store.putIfAbsent(key, body, sha256, metadata, signal)
    },
  }
}

const sinkTo = (store: ObjectStore, owner = 'o') =>
  createFileSink({ store, sinkId: 's', owner, tables: [{ contract: sinkTestContract }], file: { format: 'jsonl' } })

it('partitions of a topic that are opened together claim its folders once', async () => {
  const claimed: string[] = []
  const sink = sinkTo(await claimsTo((key) => void claimed.push(key)))
  const opened = await Promise.all(partitions.map((each) => sink.open(each, () => Promise.resolve(0), never)))
  expect(opened).toEqual(partitions.map(() => ({ next: 0 })))
  expect(claimed).toHaveLength(2)
  expect(new Set(claimed).size).toBe(2)
})

it('one whose opening is given up while it claims for all does not fail the others', async () => {
  const leaving = new AbortController()
  const sink = sinkTo(await claimsTo(() => leaving.abort(new Error('revoked'))))
  const [first, ...others] = await Promise.allSettled(
    partitions.map((each, at) => sink.open(each, () => Promise.resolve(0), at === 0 ? leaving.signal : never)),
  )
  expect(first).toMatchObject({ status: 'rejected', reason: { message: 'revoked' } })
  expect(others).toEqual(partitions.slice(1).map(() => ({ status: 'fulfilled', value: { next: 0 } })))
})

it("a folder that is another owner's is refused to each of them (fault 22)", async () => {
  const store = await claimsTo(() => undefined)
  await sinkTo(store, 'other').open(partitions[0]!, () => Promise.resolve(0), never)
  const sink = sinkTo(store)
  const refused = await Promise.allSettled(partitions.map((each) => sink.open(each, () => Promise.resolve(0), never)))
  for (const each of refused) expect(each).toMatchObject({ status: 'rejected', reason: { code: 'OWNER_MISMATCH' } })
})
