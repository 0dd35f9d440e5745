import { describe, expect, it } from 'vitest'
import { testRecords } from '../src/conformance/sink-records.ts'
import type { ObjectStore } from '../src/contracts/object-store.ts'
import { auditChain, auditCodes } from '../src/sink/audit.ts'
import type { AuditCode, AuditReport } from '../src/sink/audit.ts'
import { canonicalBytes, sha256Hex } from '../src/sink/canonical-json.ts'
import type { Json } from '../src/sink/canonical-json.ts'
import { chainFolder, Crash, crashAt, createLake, land, never, stepKey } from './chain-fixture.ts'
import type { Lake } from './chain-fixture.ts'

const log = testRecords('rrxrlfr-rr')
const dataKey = 'readings/date=2026-11-21/conformance.readings+0+3-6.jsonl'

async function built(): Promise<Lake> {
  const lake = createLake()
  for (const end of [3, 6, 10]) await land(await lake.sink(), log, end)
  return lake
}

async function put(store: ObjectStore, key: string, body: Uint8Array): Promise<void> {
  await store.delete([key], never)
  await store.putIfAbsent(key, body, sha256Hex(body), {}, never)
}

async function edit(
  lake: Lake,
  key: string,
  change: (content: Record<string, Json>) => Record<string, Json>,
): Promise<void> {
  const content = JSON.parse(new TextDecoder().decode(lake.bucket.objects.get(key)!.body)) as Record<string, Json>
  await put(await lake.store(), key, canonicalBytes(change(content)))
}

async function audited(lake: Lake, deep = false): Promise<AuditReport> {
  return auditChain(await lake.store(), { sinkId: 'lake', deep })
}

describe('audit of the chain', () => {
  it('has nothing to say about a whole chain, and adds it up', async () => {
    const report = await audited(await built(), true)
    expect(report).toMatchObject({ ok: true, findings: [], objects: 5 })
    expect(report.partitions).toEqual([
      {
        clusterId: 'conformance',
        topicId: 'topic-id-1',
        topic: 'conformance.readings',
        partition: 0,
        first: 0,
        next: 10,
        flushes: 3,
        counts: { consumed: 9, stored: 6, late: 1, filtered: 1, deadLettered: 1 },
        dead: [{ offset: 2, code: 'truncated' }],
      },
    ])
  })

  it('finds nothing where no sink has been', async () => {
    expect(await audited(createLake())).toEqual({ ok: true, partitions: [], objects: 0, bytes: 0, findings: [] })
  })

  const damages: readonly (readonly [string, AuditCode, (lake: Lake) => Promise<void>])[] = [
    ['genesis is gone', 'CHAIN_HOLE', async (lake) => (await lake.store()).delete([`${chainFolder}genesis`], never)],
    ['a plan is gone', 'CHAIN_HOLE', async (lake) => (await lake.store()).delete([stepKey(3, 'plan')], never)],
    ['a done is gone', 'CHAIN_HOLE', async (lake) => (await lake.store()).delete([stepKey(3, 'done')], never)],
    [
      'a plan is not JSON',
      'CHAIN_UNREADABLE',
      async (lake) => put(await lake.store(), stepKey(3, 'plan'), Uint8Array.of(1)),
    ],
    [
      'a plan starts inside a flush',
      'CHAIN_FORK',
      async (lake) => put(await lake.store(), stepKey(4, 'plan'), lake.bucket.objects.get(stepKey(3, 'plan'))!.body),
    ],
    [
      'a done names another plan',
      'CHAIN_LINK',
      (lake) => edit(lake, stepKey(3, 'done'), (done) => ({ ...done, plan: 'a'.repeat(64) })),
    ],
    [
      'a done was changed',
      'CHAIN_LINK',
      (lake) => edit(lake, stepKey(3, 'done'), (done) => ({ ...done, watermark: 5 })),
    ],
    [
      'counts are wrong',
      'COUNTS_WRONG',
      (lake) =>
        edit(lake, stepKey(6, 'done'), (done) => ({ ...done, counts: { ...(done['counts'] as object), stored: 9 } })),
    ],
    ['a file is gone', 'OBJECT_MISSING', async (lake) => (await lake.store()).delete([dataKey], never)],
    ['a file was shortened', 'OBJECT_CHANGED', async (lake) => put(await lake.store(), dataKey, Uint8Array.of(1))],
    [
      'a file was changed at its length',
      'OBJECT_CHANGED',
      async (lake) =>
        put(
          await lake.store(),
          dataKey,
          lake.bucket.objects.get(dataKey)!.body.map((byte) => byte ^ 1),
        ),
    ],
    [
      'a file lies outside the chain',
      'OBJECT_OUTSIDE',
      async (lake) => put(await lake.store(), dataKey.replace('3-6', '3-7'), Uint8Array.of(1)),
    ],
    [
      'two flushes name one file',
      'OBJECT_TWICE',
      (lake) =>
        edit(lake, stepKey(6, 'done'), (done) => ({
          ...done,
          files: [
            ...(done['files'] as Json[]),
            { key: dataKey, kind: 'data', rows: 0, bytes: 1, sha256: 'b'.repeat(64) },
          ],
        })),
    ],
  ]
  it.each(damages)('says when %s: %s', async (_, code, damage) => {
    const lake = await built()
    await damage(lake)
    const report = await audited(lake)
    expect(report.ok).toBe(false)
    expect(report.findings.map((finding) => finding.code)).toContain(code)
  })

  it('notices changed bytes behind an unchanged digest only when it reads all', async () => {
    const lake = await built()
    const object = lake.bucket.objects.get(dataKey)!
    lake.bucket.objects.set(dataKey, { ...object, body: object.body.map((byte) => byte ^ 1) })
    expect((await audited(lake)).ok).toBe(true)
    expect((await audited(lake, true)).findings).toMatchObject([{ code: 'OBJECT_CHANGED', key: dataKey }])
  })

  it('calls an unfinished plan and its files by their names, which is no error', async () => {
    const lake = await built()
    const more = [...log, ...testRecords('rr')]
    await expect(land(await lake.sink({ hooks: crashAt('after_put') }), more)).rejects.toThrow(Crash)
    const report = await audited(lake)
    expect(report.ok).toBe(true)
    expect(report.findings.map(({ code }) => code).sort()).toEqual(['OBJECT_UNFINISHED', 'PLAN_UNFINISHED'])
    await land(await lake.sink(), more)
    expect((await audited(lake)).findings).toEqual([])
  })

  it('mentions a dead list whose writer lost', async () => {
    const lake = await built()
    await put(await lake.store(), stepKey(10, `dead-${'c'.repeat(32)}`), Uint8Array.of(1))
    expect(await audited(lake)).toMatchObject({ ok: true, findings: [{ code: 'DEAD_LIST_UNUSED' }] })
  })

  it('leaves alone what does not look like its own', async () => {
    const lake = await built()
    await put(await lake.store(), 'readme.txt', Uint8Array.of(1))
    await put(await lake.store(), 'other/other.topic+0+0-3.parquet', Uint8Array.of(1))
    expect((await audited(lake)).findings).toEqual([])
  })

  it('can say each of its codes', () => {
    const said = new Set<string>([
      ...damages.map(([, code]) => code),
      'PLAN_UNFINISHED',
      'OBJECT_UNFINISHED',
      'DEAD_LIST_UNUSED',
      'EVIDENCE',
    ])
    expect([...said].sort()).toEqual(Object.keys(auditCodes).sort())
  })
})
