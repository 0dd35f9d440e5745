import { createHash, randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../contracts/object-store.ts'

export interface StoreContext {
  /** Names the storage. Stores with one name work on the same objects, as two processes do. */
  readonly storage: string
  /** Keys per page of a listing, where the driver can say. */
  readonly pageSize?: number
  /** Lose the reply to this put (from 1): it happens, and the caller gets STORE_UNKNOWN or STORE_UNAVAILABLE, or the driver settles it. */
  readonly loseReplyOfPut?: number
}

export interface StoreSubject {
  make(context: StoreContext): ObjectStore | Promise<ObjectStore>
  /** True when `loseReplyOfPut` is honoured. Default false. */
  readonly losesReplies?: boolean
  /** Size of the large body, bytes. Default 9 MiB, above a usual multipart part. */
  readonly largeBytes?: number
  readonly cleanUp?: () => Promise<void>
}

const never = new AbortController().signal
let storages = 0

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const digestOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex')

async function collect(items: AsyncIterable<{ key: string; bytes: number }>): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of items) keys.push(key)
  return keys
}

/** The behaviours that every object store shares. `name` is part of the test names and of storage names. */
export function describeObjectStore(name: string, subject: StoreSubject): void {
  const fresh = (): string => `${name.replaceAll(/[^a-z0-9]/gi, '-')}-${(storages += 1)}`

  async function opened(context: Partial<StoreContext> = {}): Promise<ObjectStore> {
    const store = await subject.make({ storage: fresh(), ...context })
    await store.open(never)
    return store
  }

  const put = (store: ObjectStore, key: string, body: Uint8Array, metadata: Record<string, string> = {}) =>
    store.putIfAbsent(key, body, digestOf(body), metadata, never)

  describe(`object store ${name}`, () => {
    afterAll(async () => subject.cleanUp?.())

    it('keeps empty, one-byte and large bodies with digest and metadata', async () => {
      const store = await opened()
      const bodies = {
        empty: new Uint8Array(0),
        one: Uint8Array.of(0),
        large: randomBytes(subject.largeBytes ?? 9 * 2 ** 20),
      }
      for (const [key, body] of Object.entries(bodies)) {
        expect(await store.head(`b/${key}`, never)).toBeUndefined()
        expect(await put(store, `b/${key}`, body, { rows: '3', 'plan-id': `p/${key}` })).toEqual({ outcome: 'created' })
        expect(await store.head(`b/${key}`, never)).toEqual({
          key: `b/${key}`,
          bytes: body.length,
          sha256: digestOf(body),
          metadata: { rows: '3', 'plan-id': `p/${key}` },
        })
        expect(Buffer.compare(await store.get(`b/${key}`, never), body)).toBe(0)
      }
      await store.close()
    })

    it('takes a view of a larger buffer as just its bytes', async () => {
      const store = await opened()
      const view = text('<<body>>').subarray(2, 6)
      await put(store, 'view', view)
      expect(Buffer.from(await store.get('view', never)).toString()).toBe('body')
      await store.close()
    })

    it('takes every key of the allowed set and lists them as they are', async () => {
      const store = await opened()
      const keys = [
        'k/date=2026-11-21/hour=00/topic+0+0-10.parquet',
        'k/%2F%00%25',
        'k/a~b_c.d-e',
        'k/...',
        'k/.hidden',
        'k/__HIVE_DEFAULT_PARTITION__',
        `k/${'s'.repeat(255)}`,
        `k/${`${'d'.repeat(200)}/`.repeat(4)}${'e'.repeat(200)}`,
        'k/-',
        'k/Case',
      ]
      for (const key of keys) await put(store, key, text(key))
      expect(await collect(store.list('k/', never))).toEqual(keys.toSorted())
      for (const key of keys) expect(Buffer.from(await store.get(key, never)).toString()).toBe(key)
      await store.close()
    })

    it('refuses keys outside the allowed set', async () => {
      const store = await opened()
      const keys = [
        '',
        '/',
        '/a',
        'a/',
        'a//b',
        '.',
        '..',
        'a/../b',
        'a/./b',
        'a\0b',
        'a b',
        'a\nb',
        'ä',
        'a?b',
        'a\\b',
      ]
      for (const key of [...keys, 's'.repeat(256), `${'d'.repeat(200)}/`.repeat(6)]) {
        const invalid = { code: 'STORE_KEY_INVALID' }
        await expect(put(store, key, text('x')), key).rejects.toMatchObject(invalid)
        await expect(store.get(key, never), key).rejects.toMatchObject(invalid)
        await expect(store.head(key, never), key).rejects.toMatchObject(invalid)
        await expect(store.delete([key], never), key).rejects.toMatchObject(invalid)
      }
      expect(await collect(store.list('', never))).toEqual([])
      await store.close()
    })

    for (const pageSize of [1, 2, 3, 1000]) {
      it(`lists in byte order over sibling prefixes, ${pageSize} a page`, async () => {
        const store = await opened({ pageSize })
        // `-` and `.` sort before `/`, digits and letters behind it: folders must not be taken as units.
        const keys = ['a/1', 'a/2/x', 'a/2/y', 'a/2-z', 'a1/1', 'ab', 'a-b/1', 'a.b', 'b', 'a/2.z', 'a/20']
        for (const key of keys) await put(store, key, text(key))
        const sorted = keys.toSorted()
        expect(await collect(store.list('', never))).toEqual(sorted)
        expect(await collect(store.list('a', never))).toEqual(sorted.filter((key) => key.startsWith('a')))
        expect(await collect(store.list('a/', never))).toEqual(sorted.filter((key) => key.startsWith('a/')))
        expect(await collect(store.list('a/2', never))).toEqual(sorted.filter((key) => key.startsWith('a/2')))
        expect(await collect(store.list('none/', never))).toEqual([])
        expect(await collect(store.list('a/1/', never))).toEqual([])
        for (const after of [...keys, 'a', 'a/', 'a/2/', 'a/2/xx', 'zzz']) {
          expect(await collect(store.list('a', never, after)), after).toEqual(
            sorted.filter((key) => key.startsWith('a') && key > after),
          )
        }
        for await (const { key, bytes } of store.list('', never)) expect(bytes).toBe(key.length)
        await store.close()
      })
    }

    it('never overwrites: the second put of a key learns what is there', async () => {
      const store = await opened()
      await put(store, 'once', text('first'), { by: 'one' })
      const head = { key: 'once', bytes: 5, sha256: digestOf(text('first')), metadata: { by: 'one' } }
      for (const body of ['first', 'second', '']) {
        expect(await put(store, 'once', text(body), { by: 'two' })).toEqual({ outcome: 'exists', head })
      }
      expect(Buffer.from(await store.get('once', never)).toString()).toBe('first')
      expect(await store.head('once', never)).toEqual(head)
      await store.close()
    })

    it('lets exactly one of 20 racing writers create, over two stores', async () => {
      const storage = fresh()
      const stores = [await opened({ storage }), await opened({ storage })] as const
      for (let round = 0; round < 5; round++) {
        const bodies = Array.from({ length: 20 }, (_, i) => text(`writer ${i} of round ${round}`))
        const outcomes = await Promise.all(
          bodies.map((body, i) => put(stores[i % 2]!, `race/${round}`, body, { w: `${i}` })),
        )
        const winner = outcomes.findIndex(({ outcome }) => outcome === 'created')
        expect(outcomes.filter(({ outcome }) => outcome === 'created')).toHaveLength(1)
        const head = {
          key: `race/${round}`,
          bytes: bodies[winner]!.length,
          sha256: digestOf(bodies[winner]!),
          metadata: { w: `${winner}` },
        }
        for (const [i, outcome] of outcomes.entries()) {
          if (i !== winner) expect(outcome).toEqual({ outcome: 'exists', head })
        }
        expect(Buffer.compare(await stores[0].get(`race/${round}`, never), bodies[winner]!)).toBe(0)
      }
      await Promise.all(stores.map((store) => store.close()))
    })

    it('refuses a body that does not have its digest, and writes nothing', async () => {
      const store = await opened()
      const wrong = store.putIfAbsent('torn', text('body'), digestOf(text('other')), {}, never)
      await expect(wrong).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
      expect(await store.head('torn', never)).toBeUndefined()
      expect(await collect(store.list('', never))).toEqual([])
      await store.close()
    })

    it('reads ranges: inside, empty, clamped at the end, refused when upside down', async () => {
      const store = await opened()
      await put(store, 'r', text('0123456789'))
      const read = async (start: number, end: number) =>
        Buffer.from(await store.get('r', never, { start, end })).toString()
      expect(await read(0, 10)).toBe('0123456789')
      expect(await read(3, 5)).toBe('34')
      expect(await read(9, 10)).toBe('9')
      expect(await read(4, 4)).toBe('')
      expect(await read(8, 99)).toBe('89')
      expect(await read(10, 12)).toBe('')
      expect(await read(50, 60)).toBe('')
      await expect(read(5, 4)).rejects.toBeInstanceOf(RangeError)
      await expect(read(-1, 4)).rejects.toBeInstanceOf(RangeError)
      await store.close()
    })

    it('says what is missing, and deletes what is there', async () => {
      const store = await opened()
      await expect(store.get('gone', never)).rejects.toMatchObject({ code: 'STORE_NOT_FOUND', key: 'gone' })
      await expect(store.get('gone', never, { start: 0, end: 1 })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' })
      expect(await store.head('gone', never)).toBeUndefined()
      await store.delete([], never)
      await store.delete(['gone', 'gone/too'], never)
      await put(store, 'd/1', text('1'), { of: 'first life' })
      await put(store, 'd/2', text('2'))
      await store.delete(['d/1', 'd/none'], never)
      expect(await collect(store.list('d/', never))).toEqual(['d/2'])
      expect(await store.head('d/1', never)).toBeUndefined()
      expect(await put(store, 'd/1', text('1'), { of: 'second life' })).toEqual({ outcome: 'created' })
      expect((await store.head('d/1', never))!.metadata).toEqual({ of: 'second life' })
      await store.close()
    })

    it('does nothing when the signal is aborted', async () => {
      const store = await opened()
      await put(store, 'kept', text('kept'))
      const reason = new Error('stop now')
      const aborted = AbortSignal.abort(reason)
      const body = text('x')
      await expect(store.putIfAbsent('x', body, digestOf(body), {}, aborted)).rejects.toBe(reason)
      await expect(store.get('kept', aborted)).rejects.toBe(reason)
      await expect(store.head('kept', aborted)).rejects.toBe(reason)
      await expect(store.delete(['kept'], aborted)).rejects.toBe(reason)
      await expect(collect(store.list('', aborted))).rejects.toBe(reason)
      expect(await collect(store.list('', never))).toEqual(['kept'])
      await store.close()
    })

    it('refuses use before open and after close, by code; close may come twice', async () => {
      const store = await subject.make({ storage: fresh() })
      const refused = async () => {
        const code = { code: 'STORE_NOT_OPEN' }
        await expect(put(store, 'x', text('x'))).rejects.toMatchObject(code)
        await expect(store.get('x', never)).rejects.toMatchObject(code)
        await expect(store.head('x', never)).rejects.toMatchObject(code)
        await expect(store.delete(['x'], never)).rejects.toMatchObject(code)
        await expect(collect(store.list('', never))).rejects.toMatchObject(code)
      }
      await refused()
      await store.open(never)
      await put(store, 'x', text('x'))
      await store.close()
      await store.close()
      await refused()
      await expect(store.open(never)).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
    })

    it('leaves nothing of its own in a listing, and takes frozen inputs', async () => {
      const storage = fresh()
      const first = await opened({ storage })
      const second = await opened({ storage })
      expect(await collect(second.list('', never))).toEqual([])
      const metadata = Object.freeze({ a: 'b' })
      await put(first, 'f', text('f'), metadata)
      await second.delete(Object.freeze(['f']) as string[], never)
      expect(await collect(first.list('', never))).toEqual([])
      await first.close()
      await second.close()
    })

    it('does not keep the caller’s arrays: a body changed later is not changed in the store', async () => {
      const store = await opened()
      const body = text('before')
      await put(store, 'own', body)
      body.fill(0)
      const read = await store.get('own', never)
      expect(Buffer.from(read).toString()).toBe('before')
      read.fill(0)
      expect(Buffer.from(await store.get('own', never)).toString()).toBe('before')
      await store.close()
    })

    it('declares what holds', async () => {
      const store = await opened()
      expect(store.supports.createOnly).toBe(true)
      expect(store.supports.maxKeyBytes).toBeGreaterThanOrEqual(1024)
      expect(store.supports.maxObjectBytes).toBeGreaterThanOrEqual(2 ** 30)
      await store.close()
    })

    if (subject.losesReplies === true) {
      it('has written when the reply to a put is lost; the retry and head say so', async () => {
        const store = await opened({ loseReplyOfPut: 1 })
        const body = text('sent')
        const outcome = await put(store, 'lost', body, { plan: '7' }).then(
          (result) => result.outcome,
          (error: { code?: string }) => error.code,
        )
        expect(['created', 'STORE_UNKNOWN']).toContain(outcome)
        const head = { key: 'lost', bytes: 4, sha256: digestOf(body), metadata: { plan: '7' } }
        expect(await store.head('lost', never)).toEqual(head)
        expect(await put(store, 'lost', body, { plan: '7' })).toEqual({ outcome: 'exists', head })
        await store.close()
      })
    }
  })
}
