import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import {
  baselineOfLock,
  baselineOfRegistry,
  baselineOfSet,
  checkContracts,
  contractSetOf,
  emptyLock,
  gateRules,
  githubAnnotations,
  lockContracts,
  lockLosses,
  lockText,
  parseLock,
  readContractSet,
  reportText,
  type ContractSet,
  type GateProblem,
  type GateRule,
} from '../src/gate/index.ts'
import { createFileRegistry } from '../src/index.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface FieldJson {
  name: string
  type: unknown
  [key: string]: unknown
}
const schema = (...fields: FieldJson[]): string => JSON.stringify({ type: 'record', name: 'Order', fields }, null, 2)
const id = { name: 'id', type: 'string' }
const price = { name: 'price', type: ['null', 'double'], default: null }
const contract = { format: 'avro', topic: 'orders', key: ['id'] }

type Files = Record<string, string | undefined>
/** A house with one contract, with files put in, replaced or (undefined) taken out. */
function house(changes: Files = {}): ContractSet {
  const files: Files = {
    'shop/Order/v1.avsc': schema(id),
    'shop/Order/contract.json': JSON.stringify(contract),
    'shop/Order/field-ids.json': '{"id":1}',
    'shop/Other/v1.avsc': schema(id),
    ...changes,
  }
  const kept = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return contractSetOf(new Map(kept), 'contracts')
}
const out = baselineOfSet('release 1', house())
const told = (problems: readonly GateProblem[]): string[] =>
  problems.map(({ contract: name, version, path, rule }) => `${rule} ${name} v${version ?? '-'} ${path}`.trim())

describe('what is out there may not change', () => {
  const cases: [GateRule, Files, string][] = [
    [
      'released_version_edited',
      { 'shop/Order/v1.avsc': schema({ ...id, doc: 'new words' }) },
      'released_version_edited shop.Order v1',
    ],
    [
      'released_version_removed',
      { 'shop/Order/v1.avsc': undefined, 'shop/Order/v2.avsc': schema(id) },
      'released_version_removed shop.Order v1',
    ],
    ['contract_removed', { 'shop/Other/v1.avsc': undefined }, 'contract_removed shop.Other v-'],
    ['version_gap', { 'shop/Order/v3.avsc': schema(id, price) }, 'version_gap shop.Order v2'],
    [
      'format_changed',
      { 'shop/Order/contract.json': JSON.stringify({ ...contract, format: 'json' }) },
      'format_changed shop.Order v-',
    ],
    [
      'topic_changed',
      { 'shop/Order/contract.json': JSON.stringify({ ...contract, topic: 'orders2' }) },
      'topic_changed shop.Order v-',
    ],
    [
      'key_changed',
      { 'shop/Order/contract.json': JSON.stringify({ ...contract, key: ['id', 'at'] }) },
      'key_changed shop.Order v-',
    ],
    ['field_id_changed', { 'shop/Order/field-ids.json': '{"id":2}' }, 'field_id_changed shop.Order v- id'],
  ]

  it.each(cases)('%s', (_, changes, expected) => {
    const report = checkContracts(house(changes), out)
    expect(report.passed).toBe(false)
    expect(told(report.problems)).toContain(expected)
    expect(report.problems[0]).toMatchObject({ direction: 'both', deployFirst: 'none' })
  })

  it('has a case for every rule', () => {
    expect(cases.map(([rule]) => rule).sort()).toEqual(Object.keys(gateRules).sort())
  })

  it('looks at what a file says, not at its layout', () => {
    const laidOut = JSON.stringify(JSON.parse(schema(id)), null, 7)
    expect(checkContracts(house({ 'shop/Order/v1.avsc': laidOut }), out)).toMatchObject({ passed: true, problems: [] })
  })
})

describe('new versions', () => {
  it('pass when they are compatible, with the order in which to deploy', () => {
    const report = checkContracts(house({ 'shop/Order/v2.avsc': schema(id, price) }), out)
    expect(report).toMatchObject({
      passed: true,
      newContracts: [],
      newVersions: [
        { contract: 'shop.Order', version: 2, mode: 'FULL_TRANSITIVE', compatible: true, deployFirst: 'either' },
      ],
    })
  })

  it('are refused with path, rule, direction, order, file and line', () => {
    const report = checkContracts(house({ 'shop/Order/v2.avsc': schema(id, { name: 'price', type: 'double' }) }), out)
    expect(report.problems).toEqual([
      {
        contract: 'shop.Order',
        version: 2,
        against: 1,
        path: 'price',
        rule: 'field_without_default',
        message: expect.any(String) as string,
        direction: 'new-reads-old',
        deployFirst: 'writers',
        file: 'contracts/shop/Order/v2.avsc',
        line: 10,
      },
    ])
  })

  it('are held to the mode of the contract, or to the one asked for', () => {
    const breaking = { 'shop/Order/v2.avsc': schema(id, { name: 'price', type: 'double' }) }
    const forward = JSON.stringify({ ...contract, compatibility: 'FORWARD' })
    expect(checkContracts(house({ ...breaking, 'shop/Order/contract.json': forward }), out).passed).toBe(true)
    expect(checkContracts(house(breaking), out, { mode: 'NONE' }).passed).toBe(true)
    expect(
      checkContracts(house({ ...breaking, 'shop/Order/contract.json': forward }), out, { mode: 'BACKWARD' }).passed,
    ).toBe(false)
  })

  it('are held against what was released, where that was edited', () => {
    const edited = { 'shop/Order/v1.avsc': schema(), 'shop/Order/v2.avsc': schema(price) }
    expect(told(checkContracts(house(edited), out).problems)).toEqual([
      'released_version_edited shop.Order v1',
      'field_without_default shop.Order v2 id',
    ])
  })

  it('of JSON are judged by how its readers take unknown fields', () => {
    const json = (jsonReaders: string): Files => ({
      'shop/Order/contract.json': JSON.stringify({ ...contract, format: 'json', jsonReaders }),
    })
    const v2 = { 'shop/Order/v2.avsc': schema(id, price) }
    const verdict = (readers: string) =>
      told(checkContracts(house({ ...json(readers), ...v2 }), baselineOfSet('r', house(json(readers)))).problems)
    expect(verdict('open')).toEqual([])
    expect(verdict('closed')).toEqual(['field_unknown shop.Order v2 price'])
  })

  it('of a new contract are checked among themselves', () => {
    const files = { 'shop/New/v1.avsc': schema(id), 'shop/New/v2.avsc': schema() }
    const report = checkContracts(house(files), out)
    expect(report.newContracts).toEqual(['shop.New'])
    expect(told(report.problems)).toEqual(['field_without_default shop.New v2 id'])
  })
})

describe('a lock', () => {
  const lock = lockContracts(house(), emptyLock)

  it('knows what was released, through its text', () => {
    const again = baselineOfLock('lock', parseLock(lockText(lock), 'released.json'))
    expect(checkContracts(house({ 'shop/Order/v2.avsc': schema(id, price) }), again).passed).toBe(true)
    const edited = checkContracts(house({ 'shop/Order/v1.avsc': schema(price) }), again)
    expect(told(edited.problems)).toEqual(['released_version_edited shop.Order v1'])
    expect(told(checkContracts(house({ 'shop/Other/v1.avsc': undefined }), again).problems)).toEqual([
      'contract_removed shop.Other v-',
    ])
  })

  it('only grows', () => {
    const next = lockContracts(house({ 'shop/Order/v2.avsc': schema(id, price), 'x/Y/v1.avsc': schema(id) }), lock)
    expect(lockLosses(lock, next)).toEqual([])
    expect(lockLosses(next, lock)).toEqual([
      'version 2 of shop.Order is listed with another digest, or not at all',
      'x.Y is no longer listed as released',
    ])
    // What a release finds edited does not become the truth.
    const edited = lockContracts(house({ 'shop/Order/v1.avsc': schema(price) }), lock)
    expect(edited.contracts['shop.Order']!.versions).toEqual(lock.contracts['shop.Order']!.versions)
  })

  it.each(['{', '{"format":"x","contracts":{}}', '{"format":"sluice-released-1","contracts":{"a":{}}}'])(
    'is refused when it is %s',
    (text) => {
      expect(() => parseLock(text, 'released.json')).toThrow(/CONTRACT_INVALID: released\.json/)
    },
  )
})

describe('a registry as the baseline', () => {
  it('is matched by what schemas say, whatever the numbers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-gate-'))
    const registry = createFileRegistry(folder)
    await registry.register('orders-value', schema(price))
    await registry.register('orders-value', schema(id))
    const baseline = await baselineOfRegistry('registry', registry, house())
    rmSync(folder, { recursive: true })
    expect(told(checkContracts(house(), baseline).problems)).toEqual(['released_version_removed shop.Order v-'])
    const both = house({ 'shop/Order/v2.avsc': schema(price) })
    expect(checkContracts(both, baseline)).toMatchObject({ passed: true, newContracts: ['shop.Other'] })
    const third = house({ 'shop/Order/v2.avsc': schema(price), 'shop/Order/v3.avsc': schema(price, id) })
    expect(told(checkContracts(third, baseline, { mode: 'BACKWARD' }).problems)).toEqual([
      'field_without_default shop.Order v3 id',
    ])
  })
})

describe('reports', () => {
  const report = checkContracts(
    house({ 'shop/Order/v2.avsc': schema({ ...id, type: 'int' }), 'shop/Other/v1.avsc': undefined }),
    out,
  )

  it('tell people what, who, who first, and where', () => {
    expect(reportText(report)).toBe(`REFUSED   shop.Order v2 (FULL_TRANSITIVE): no order of deployment is safe

REFUSED   shop.Order v2, id [type_changed]
  what    string cannot be read as int
  who     new readers cannot read data of version 1
  first   writers would have to deploy first, and readers when no older data is left
  where   contracts/shop/Order/v2.avsc:6

REFUSED   shop.Order v2, id [type_changed]
  what    int cannot be read as string
  who     readers of version 1 cannot read new data
  first   all readers would have to deploy before any writer
  where   contracts/shop/Order/v2.avsc:6

REFUSED   shop.Other [contract_removed]
  what    a contract that is out there is gone: put it back, or retire it by a decision of all its readers
  who     readers, old and new, lose what they rely on
  first   no order of deployment makes this safe
  where   shop/Other:1

1 contract against release 1: 3 refused
`)
  })

  it('annotate lines for GitHub, with what its syntax needs escaped', () => {
    const lines = githubAnnotations(report).trimEnd().split('\n')
    expect(lines[0]).toBe(
      '::error file=contracts/shop/Order/v2.avsc,line=6,title=shop.Order v2 id::[type_changed] string cannot be read as int: new readers cannot read data of version 1; writers would have to deploy first, and readers when no older data is left',
    )
    const odd = { ...report, problems: [{ ...report.problems[0]!, file: 'a,b:c', message: '50%\nmore' }] }
    expect(githubAnnotations(odd)).toMatch(/^::error file=a%2Cb%3Ac,.*\] 50%25%0Amore: /)
  })
})

describe('the contracts of this house', () => {
  const folder = new URL('../contracts', import.meta.url).pathname

  it('pass UserEvent v1 -> v2, and not a breaking v3', async () => {
    const set = await readContractSet(folder, 'contracts')
    const files = new Map<string, string>()
    for (const version of set.get('ecommerce.UserEvent')!.versions) {
      files.set(`ecommerce/UserEvent/v${version.version}.avsc`, version.text)
    }
    const v1 = contractSetOf(new Map([...files].slice(0, 1)), 'contracts')
    expect(checkContracts(contractSetOf(files, 'contracts'), baselineOfSet('v1', v1))).toMatchObject({
      passed: true,
      newVersions: [{ version: 2, compatible: true, deployFirst: 'either' }],
    })
    files.set('ecommerce/UserEvent/v3.avsc', files.get('ecommerce/UserEvent/v2.avsc')!.replace('PURCHASE', 'BUY'))
    const refused = checkContracts(contractSetOf(files, 'contracts'), baselineOfSet('v1', v1))
    expect(refused.passed).toBe(false)
    expect(new Set(told(refused.problems))).toEqual(new Set(['enum_symbol_unknown ecommerce.UserEvent v3 event_type']))
  })

  it('are written down as released', async () => {
    const lock = parseLock(await readFile(join(folder, 'released.json'), 'utf8'), 'released.json')
    const report = checkContracts(await readContractSet(folder, 'contracts'), baselineOfLock('lock', lock))
    expect(report.problems).toEqual([])
  })
})
