import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createMemoryBucket, createMemoryStore } from '../src/stores/memory-store.ts'
import type { StoreFault } from '../src/stores/memory-store.ts'

const signal = new AbortController().signal
const body = Buffer.from('body')
const digest = createHash('sha256').update(body).digest('hex')

describe('memory store', () => {
  it('does what each fault says, and only then', async () => {
    const cases: [StoreFault | undefined, string | undefined, boolean][] = [
      [undefined, undefined, true],
      ['unavailable', 'STORE_UNAVAILABLE', false],
      ['before', 'STORE_UNKNOWN', false],
      ['reply-lost', 'STORE_UNKNOWN', true],
    ]
    for (const [fault, code, written] of cases) {
      const asked: string[] = []
      const store = createMemoryStore({
        faults(op, key) {
          asked.push(`${op} ${key}`)
          return op === 'putIfAbsent' ? fault : undefined
        },
      })
      await store.open(signal)
      const put = store.putIfAbsent('k', body, digest, {}, signal).then(
        () => undefined,
        (error: { code: string }) => error.code,
      )
      expect(await put).toBe(code)
      expect((await store.head('k', signal)) !== undefined).toBe(written)
      expect(store.bucket.history).toEqual(written ? [{ op: 'created', key: 'k', sha256: digest }] : [])
      expect(asked).toEqual(['open ', 'putIfAbsent k', 'head k'])
    }
  })

  it('lets a test order what two stores of one bucket do', async () => {
    const bucket = createMemoryBucket()
    const gate = Promise.withResolvers<void>()
    const slow = createMemoryStore({
      bucket,
      step: async (op, _key, when) => (op === 'putIfAbsent' && when === 'before' ? gate.promise : undefined),
    })
    const fast = createMemoryStore({ bucket })
    await slow.open(signal)
    await fast.open(signal)
    const late = slow.putIfAbsent('k', body, digest, { by: 'slow' }, signal)
    expect(await fast.putIfAbsent('k', body, digest, { by: 'fast' }, signal)).toEqual({ outcome: 'created' })
    gate.resolve()
    expect(await late).toMatchObject({ outcome: 'exists', head: { metadata: { by: 'fast' } } })
    expect(bucket.history).toHaveLength(1)
  })

  it('can play a store without the precondition, which open refuses (fault 53)', async () => {
    const store = createMemoryStore({ createOnly: false })
    expect(store.supports.createOnly).toBe(false)
    await expect(store.open(signal)).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED' })
  })
})
