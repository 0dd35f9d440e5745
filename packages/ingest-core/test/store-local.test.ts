import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { explainErrno } from '../src/stores/local-errno.ts'
import { createLocalStore } from '../src/stores/local-store.ts'
import { testFolders } from './log-folders.ts'

const folders = testFolders()
afterAll(folders.removeAll)
const signal = new AbortController().signal
const digestOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex')

async function opened(root: string, options: { abandonedAfterMs?: number } = {}) {
  const store = createLocalStore({ root, ...options })
  await store.open(signal)
  return store
}

async function listed(store: ReturnType<typeof createLocalStore>, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix, signal)) keys.push(key)
  return keys
}

describe('local store', () => {
  it('keeps objects as plain files, and nothing unfinished behind', async () => {
    const root = await folders.make()
    const store = await opened(root)
    const body = Buffer.from('plain')
    await store.putIfAbsent('a/b/c.txt', body, digestOf(body), { m: '1' }, signal)
    expect(await readFile(join(root, 'a/b/c.txt'), 'utf8')).toBe('plain')
    expect(await readdir(join(root, '.sluice', 'tmp'))).toEqual([])
    await store.putIfAbsent('a/b/c.txt', Buffer.from('other'), digestOf(Buffer.from('other')), {}, signal)
    expect(await readdir(join(root, '.sluice', 'tmp'))).toEqual([])
    expect((await stat(join(root, 'a/b/c.txt'))).nlink).toBe(1)
  })

  it('keeps metadata and digest over processes, and says what is stored and not what was', async () => {
    const root = await folders.make()
    const body = Buffer.from('as written')
    await (await opened(root)).putIfAbsent('k', body, digestOf(body), { plan: '1' }, signal)
    const later = await opened(root)
    expect(await later.head('k', signal)).toEqual({
      key: 'k',
      bytes: 10,
      sha256: digestOf(body),
      metadata: { plan: '1' },
    })
    await writeFile(join(root, 'k'), 'as damaged')
    await utimes(join(root, 'k'), 1, 1)
    expect(await later.head('k', signal)).toMatchObject({ sha256: digestOf(Buffer.from('as damaged')), metadata: {} })
  })

  it('removes unfinished writes when they are old, and only then', async () => {
    const root = await folders.make()
    await opened(root)
    const temporary = join(root, '.sluice', 'tmp')
    await writeFile(join(temporary, 'old'), 'x')
    await utimes(join(temporary, 'old'), 1000, 1000)
    await writeFile(join(temporary, 'young'), 'x')
    const store = await opened(root, { abandonedAfterMs: 60_000 })
    expect(await readdir(temporary)).toEqual(['young'])
    expect(await listed(store)).toEqual([])
  })

  it('guards its own folder, refuses a key that is a folder or below an object, follows no links', async () => {
    const root = await folders.make()
    const store = await opened(root)
    const body = Buffer.from('x')
    const put = (key: string) => store.putIfAbsent(key, body, digestOf(body), {}, signal)
    await put('a/b')
    for (const key of ['.sluice', '.sluice/tmp/x', 'a', 'a/b/c']) {
      await expect(put(key), key).rejects.toMatchObject({ code: 'STORE_KEY_INVALID' })
    }
    await put('.sluice-other')
    const outside = await folders.make()
    await mkdir(join(outside, 'secret'))
    await writeFile(join(outside, 'secret', 'file'), 'x')
    await symlink(outside, join(root, 'link'))
    expect(await listed(store)).toEqual(['.sluice-other', 'a/b'])
    await expect(listed(store, 'a/../')).rejects.toMatchObject({ code: 'STORE_KEY_INVALID' })
  })

  it('knows what errors of the system mean', () => {
    const expected = {
      ENOSPC: 'STORE_FULL',
      EDQUOT: 'STORE_FULL',
      EACCES: 'STORE_DENIED',
      EROFS: 'STORE_DENIED',
      EPERM: 'STORE_UNSUPPORTED',
      EXDEV: 'STORE_UNSUPPORTED',
      ENOTDIR: 'STORE_KEY_INVALID',
      EISDIR: 'STORE_KEY_INVALID',
      ENAMETOOLONG: 'STORE_KEY_INVALID',
      EIO: 'STORE_UNAVAILABLE',
      EMFILE: 'STORE_UNAVAILABLE',
    }
    for (const [errno, code] of Object.entries(expected)) expect(explainErrno(errno).code, errno).toBe(code)
  })

  it('reports a root that cannot be made', async () => {
    const root = await folders.make()
    await writeFile(join(root, 'file'), '')
    const store = createLocalStore({ root: join(root, 'file') })
    await expect(store.open(signal)).rejects.toMatchObject({ code: 'STORE_KEY_INVALID' })
  })
})
