import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { PartitionId } from '../src/contracts/records.ts'
import type { Source } from '../src/contracts/source.ts'
import { createJsonlSource } from '../src/sources/jsonl-source.ts'
import type { JsonlSourceOptions } from '../src/sources/jsonl-source.ts'
import { testFolders } from './log-folders.ts'

const folders = testFolders()
afterAll(folders.removeAll)
const signal = new AbortController().signal

async function firstChange(source: Source): Promise<readonly PartitionId[]> {
  for await (const { assigned } of source.assignments(signal)) return assigned
  throw new Error('no assignment came')
}

type Line = [offset: number, value: string]

async function drain(source: Source, id: PartitionId, from: number, maxBytes: number): Promise<Line[]> {
  const { end } = await source.bounds(id)
  await source.seek(id, from)
  const lines: Line[] = []
  for (let next = from; next < end;) {
    for (const fetched of await source.poll(maxBytes, signal)) {
      if (fetched.kind !== 'slab') throw new TypeError('JSONL hands out slabs')
      expect(fetched.start).toBe(next)
      next = fetched.end
      const { slab } = fetched
      for (let i = 0; i < slab.length; i++) {
        expect(slab.keyStart[i]).toBe(-1)
        expect(slab.timestamps[i]).toBe(-1)
        lines.push([
          slab.offsets[i]!,
          Buffer.from(slab.bytes.subarray(slab.valueStart[i]!, slab.valueEnd[i]!)).toString('latin1'),
        ])
      }
    }
  }
  expect(await source.poll(maxBytes, signal)).toEqual([])
  return lines
}

async function readText(
  text: string | Uint8Array,
  options: Partial<JsonlSourceOptions> = {},
  maxBytes = 5000,
): Promise<Line[]> {
  const folder = await folders.make()
  await writeFile(join(folder, 'a.jsonl'), text)
  const source = await createJsonlSource({ topic: 't', from: { folder }, waitMs: 0, ...options })
  const [id] = await firstChange(source)
  const lines = await drain(source, id!, 0, maxBytes)
  await source.close()
  return lines
}

describe('JSONL source', () => {
  it('takes lines as they are: CRLF, byte order mark, blank lines as holes, the last without an end', async () => {
    expect(await readText('\ufeff{"a":1}\r\n\r\n  \t\n{"b":2}\n\n"last"')).toEqual([
      [0, '{"a":1}'],
      [3, '{"b":2}'],
      [5, '"last"'],
    ])
    expect(await readText('')).toEqual([])
    expect(await readText('\ufeff')).toEqual([])
    expect(await readText('\ufeff\n1')).toEqual([[1, '1']])
    expect(await readText('\n\n\n')).toEqual([])
    expect(await readText('x\r')).toEqual([[0, 'x']])
    expect(await readText(Buffer.from([0xff, 0x00, 0x0a, 0xfe]))).toEqual([
      [0, '\xff\0'],
      [1, '\xfe'],
    ])
  })

  it('leaves an unfinished last line alone while it follows', async () => {
    const folder = await folders.make()
    const path = join(folder, 'a.jsonl')
    await writeFile(path, 'one\ntw')
    const source = await createJsonlSource({ topic: 't', from: { folder }, follow: true, waitMs: 0 })
    const [id] = await firstChange(source)
    expect(await drain(source, id!, 0, 1)).toEqual([[0, 'one']])
    await appendFile(path, 'o\nthree\n')
    expect(await drain(source, id!, 1, 1)).toEqual([
      [1, 'two'],
      [2, 'three'],
    ])
    await source.close()
  })

  it('reads any text from any line with any budget as a plain split does', async () => {
    const line = fc.oneof(fc.stringMatching(/^[a-z{}",: ]{0,20}$/), fc.constantFrom('', ' ', 'x'.repeat(9000), '\t'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 60 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.nat(60),
        fc.integer({ min: 1, max: 20_000 }),
        async (lines, ending, closed, from, maxBytes) => {
          const folder = await folders.make()
          await writeFile(join(folder, 'a.jsonl'), lines.join(ending) + (closed && lines.length > 0 ? ending : ''))
          const source = await createJsonlSource({ topic: 't', from: { folder }, waitMs: 0 })
          const [id] = await firstChange(source)
          const { end } = await source.bounds(id!)
          const first = Math.min(from, end)
          const expected = lines
            .map((value, i): Line => [i, value])
            .filter(([i, value]) => i >= first && value.trim() !== '')
          expect(await drain(source, id!, first, maxBytes)).toEqual(expected)
          await source.close()
        },
      ),
      { seed: 3, numRuns: 60 },
    )
  })

  it('finds its place in a long file again, forwards and backwards', async () => {
    const folder = await folders.make()
    const count = 30_000
    await writeFile(join(folder, 'a.jsonl'), Array.from({ length: count }, (_, i) => `{"n":${i}}\n`).join(''))
    const source = await createJsonlSource({ topic: 't', from: { folder }, waitMs: 0 })
    const [id] = await firstChange(source)
    for (const from of [29_999, 4096, 4095, 4097, 0, 12_345, 8192]) {
      await source.seek(id!, from)
      const [fetched] = await source.poll(5000, signal)
      expect(fetched!.start).toBe(from)
      if (fetched!.kind !== 'slab') throw new TypeError('JSONL hands out slabs')
      const { slab } = fetched!
      expect(Buffer.from(slab.bytes.subarray(slab.valueStart[0]!, slab.valueEnd[0]!)).toString()).toBe(`{"n":${from}}`)
    }
    await source.close()
  })

  it('cuts a huge line to one byte above the limit and goes on behind it (input 26)', async () => {
    for (const maxBytes of [100, 2 ** 24]) {
      const lines = await readText(
        `small\n${'h'.repeat(3_000_000)}\nafter\n${'e'.repeat(100_001)}`,
        { maxLineBytes: 100_000 },
        maxBytes,
      )
      expect(lines.map(([offset, value]) => [offset, value.length])).toEqual([
        [0, 5],
        [1, 100_001],
        [2, 5],
        [3, 100_001],
      ])
    }
    const exact = await readText('x'.repeat(100_000) + '\n', { maxLineBytes: 100_000 })
    expect(exact[0]![1]).toHaveLength(100_000)
  })

  it('numbers files in name order once, and never again', async () => {
    const folder = join(await folders.make(), 'in')
    await mkdir(folder)
    for (const name of ['b.jsonl', 'd.jsonl', '.hidden.jsonl', 'other.txt'])
      await writeFile(join(folder, name), `"${name}"\n`)
    const open = () => createJsonlSource({ topic: 't', from: { folder }, waitMs: 0 })
    const read = async (): Promise<Record<number, string>> => {
      const source = await open()
      const found: Record<number, string> = {}
      for (const id of await firstChange(source)) {
        expect(id).toMatchObject({ topicId: 't', topic: 't' })
        found[id.partition] = (await drain(source, id, 0, 1000))[0]![1]
        source.pause(id, true)
      }
      await source.close()
      return found
    }
    expect(await read()).toEqual({ 0: '"b.jsonl"', 1: '"d.jsonl"' })
    await writeFile(join(folder, 'a.jsonl'), '"a.jsonl"\n')
    await rm(join(folder, 'b.jsonl'))
    expect(await read()).toEqual({ 1: '"d.jsonl"', 2: '"a.jsonl"' })
    const moved = join(await folders.make(), 'elsewhere')
    const before = await open().then(async (source) => (await firstChange(source))[0]!.clusterId)
    await rename(folder, moved)
    const source = await createJsonlSource({ topic: 't', from: { folder: moved } })
    const found = (await firstChange(source)).map(({ clusterId, partition }) => [clusterId, partition])
    expect(found).toEqual([
      [before, 1],
      [before, 2],
    ])
    await source.close()
  })

  it('refuses a file that is another one under the old name, or has become shorter', async () => {
    const folder = await folders.make()
    const path = join(folder, 'a.jsonl')
    await writeFile(path, '{"first":1}\n{"second":2}\n')
    const source = await createJsonlSource({ topic: 't', from: { folder }, waitMs: 0 })
    const [id] = await firstChange(source)
    await drain(source, id!, 0, 1000)
    await source.close()
    await writeFile(path, '{"other":1}\n{"second":2}\n')
    const again = await createJsonlSource({ topic: 't', from: { folder }, waitMs: 0 })
    const [same] = await firstChange(again)
    await expect(again.seek(same!, 2)).rejects.toMatchObject({ code: 'SOURCE_REPLACED' })
    await again.close()
    await writeFile(path, '{"first":1}\n{"second":2}\n')
    const third = await createJsonlSource({ topic: 't', from: { folder }, waitMs: 0 })
    const [id3] = await firstChange(third)
    await third.seek(id3!, 2)
    await writeFile(path, '{"first":1}\n')
    await expect(third.poll(100, signal)).rejects.toMatchObject({ code: 'SOURCE_REPLACED', partition: id3 })
    await third.close()
  })

  it('takes files by name with a register elsewhere, and a stream by way of a spool file', async () => {
    const folder = await folders.make()
    const files = ['z', 'a'].map((name) => join(folder, name))
    for (const file of files) await writeFile(file, `"${file.at(-1)}"`)
    const registerFile = join(folder, 'register.json')
    const source = await createJsonlSource({ topic: 't', from: { files }, registerFile, waitMs: 0 })
    const ids = await firstChange(source)
    expect(await drain(source, ids[0]!, 0, 10)).toEqual([[0, '"z"']])
    await source.close()
    expect(Object.keys(JSON.parse(await readFile(registerFile, 'utf8')).files)).toEqual(['z', 'a'])
    const spool = join(folder, 'spool', 'stdin.jsonl')
    await mkdir(join(folder, 'spool'))
    const stream = Readable.from([Buffer.from('1\n2'), Buffer.from('2\n'), Buffer.from('3')])
    const piped = await createJsonlSource({ topic: 't', from: { stream, spool }, waitMs: 0 })
    const [id] = await firstChange(piped)
    expect(await drain(piped, id!, 0, 10)).toEqual([
      [0, '1'],
      [1, '22'],
      [2, '3'],
    ])
    await piped.close()
    await expect(
      createJsonlSource({ topic: 't', from: { stream: Readable.from(['x']), spool } }),
    ).rejects.toMatchObject({ code: 'EEXIST' })
  })

  it('tells of a missing folder, a register it cannot read, and a stream that breaks', async () => {
    const folder = await folders.make()
    const missing = await createJsonlSource({ topic: 't', from: { folder }, registerFile: join(folder, 'r.json') })
    await rm(folder, { recursive: true })
    await expect(firstChange(missing)).rejects.toMatchObject({ code: 'ENOENT' })
    await mkdir(folder)
    await writeFile(join(folder, 'r.json'), '{"version":9}')
    const options = { topic: 't', from: { folder }, registerFile: join(folder, 'r.json') }
    await expect(createJsonlSource(options)).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' })
    expect(await readFile(join(folder, 'r.json'), 'utf8')).toBe('{"version":9}')
    const broken = async function* () {
      yield 'one\n'
      throw new Error('the pipe broke')
    }
    const spool = join(folder, 'spool.jsonl')
    await expect(createJsonlSource({ topic: 't', from: { stream: broken(), spool } })).rejects.toThrow('the pipe broke')
  })
})
