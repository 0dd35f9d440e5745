import { join } from 'node:path'
import { describeObjectStore } from '../src/conformance/object-store.ts'
import { createLocalStore } from '../src/stores/local-store.ts'
import { createMemoryBucket, createMemoryStore } from '../src/stores/memory-store.ts'
import type { MemoryBucket } from '../src/stores/memory-store.ts'
import { testFolders } from './log-folders.ts'

const buckets = new Map<string, MemoryBucket>()

describeObjectStore('memory', {
  losesReplies: true,
  make({ storage, pageSize, loseReplyOfPut }) {
    let puts = 0
    const bucket = buckets.get(storage) ?? createMemoryBucket()
    buckets.set(storage, bucket)
    return createMemoryStore({
      bucket,
      ...(pageSize !== undefined && { pageSize }),
      faults: (op) => (op === 'putIfAbsent' && ++puts === loseReplyOfPut ? 'reply-lost' : undefined),
    })
  },
})

const folders = testFolders()
const root = folders.make()

describeObjectStore('local', {
  make: async ({ storage }) => createLocalStore({ root: join(await root, storage) }),
  cleanUp: folders.removeAll,
})

describeObjectStore('local without fsync', {
  make: async ({ storage }) => createLocalStore({ root: join(await root, storage), durable: false }),
})
