import { readFileSync } from 'node:fs'
import { decodeCodes } from '@sluice/columnar'
import { listFeeds, type LedgerDiff } from '@sluice/generators'
import { recordCodes, type SchemaResolver } from '@sluice/ingest-core'
import { getContract } from '@sluice/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Mutant } from './mutation/mutant.ts'
import { mutants, patched } from './mutation/mutants.ts'
import { redundantMutants } from './mutation/redundant-mutants.ts'
import { type FeedLog, writeFeedLog } from './support/feed-log.ts'
import { landAndCompare, type LandOptions } from './support/land-feeds.ts'

const workerUrl = new URL('./mutation/mutated-worker.ts', import.meta.url)
const contractOf = (topic: string) => listFeeds().find(({ name }) => name === topic)!.contract
let feedLog: FeedLog

beforeAll(async () => {
  feedLog = await writeFeedLog({ feeds: listFeeds(), seed: 'mutation', count: 2500 })
}, 300_000)
afterAll(() => feedLog.dispose())

async function land(feeds: readonly string[], options: Omit<LandOptions, 'contracts'> = {}): Promise<LedgerDiff> {
  const { diff } = await landAndCompare(feedLog, { contracts: feeds.map(contractOf), ...options })
  return diff
}

/** What the ledger expected at the place of each difference. */
const expectedOf = ({ differences }: LedgerDiff): string[] =>
  differences.map(({ example }) => /expected (?:dead-letter )?([a-z0-9_-]+)/.exec(example)![1]!)

const isGuarded = (guards: readonly string[]) => (expected: string) =>
  guards.some((guard) => (guard === 'rule_' ? expected.startsWith(guard) : expected === guard))

/** Differences in every feed named, and only of the records that the check is there for. */
function expectCaught(diff: LedgerDiff, { feeds, guards }: Pick<Mutant, 'feeds' | 'guards'>): void {
  expect(new Set(diff.differences.map(({ topic }) => topic))).toEqual(new Set(feeds))
  expect(expectedOf(diff).filter((expected) => !isGuarded(guards)(expected))).toEqual([])
}

it('with every check in place there is no difference', async () => {
  const diff = await land(listFeeds().map(({ name }) => name))
  expect(diff).toEqual({ compared: feedLog.ledger.length, pending: 0, differences: [] })
})

describe('one check taken out of the pipeline shows in the ledger', () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s', async (_, mutant) => {
    // Threads get a copy of the environment when they start.
    process.env['SLUICE_MUTANT'] = mutant.name
    expectCaught(await land(mutant.feeds, { workerUrl }), mutant)
  })

  const resolvers: Readonly<
    Record<string, Pick<Mutant, 'feeds' | 'guards'> & { readonly wrap: LandOptions['resolver'] }>
  > = {
    'schema id that is unknown': {
      feeds: ['ecommerce-events', 'bakery.weather_data'],
      guards: ['schema_unknown'],
      wrap: replacing('unknown'),
    },
    'schema id of another topic': {
      feeds: ['ecommerce-events', 'bakery.weather_data'],
      guards: ['schema_not_allowed'],
      wrap: replacing('not-allowed'),
    },
    'schema of the writer': {
      feeds: ['ecommerce-events'],
      guards: ['stored', 'late', 'schema_incompatible'],
      wrap: replacing('writer'),
    },
  }
  it.each(Object.entries(resolvers))('%s', async (_, { feeds, guards, wrap }) => {
    expectCaught(await land(feeds, { resolver: wrap! }), { feeds, guards })
  })
})

describe('a check that another one stands behind does not show', () => {
  it.each(redundantMutants.map((mutant) => [mutant.name, mutant] as const))('%s', async (_, mutant) => {
    process.env['SLUICE_MUTANT'] = mutant.name
    expect((await land(mutant.feeds, { workerUrl })).differences).toEqual([])
  })
})

/** Answers with the latest schema of the topic instead of a verdict. */
function replacing(verdict: 'unknown' | 'not-allowed' | 'writer') {
  return (resolver: SchemaResolver): SchemaResolver => ({
    get lookups() {
      return resolver.lookups
    },
    async verdict(contract, id) {
      const found = await resolver.verdict(contract, id)
      return found.kind === verdict ? { kind: 'writer', schema: getContract(contract.name).schema } : found
    },
  })
}

describe('no check is left out', () => {
  const guarded = new Set([...mutants.flatMap(({ guards }) => guards), 'schema_unknown', 'schema_not_allowed'])

  /** Codes of the decoders that no simulated record gets, each with the reason. */
  const outOfReach: Readonly<Record<string, string>> = {
    size_exceeded: 'the limit of the pipeline is lower and comes first',
    depth_exceeded: 'no contract nests as deep',
    union_branch: 'no contract narrows a union from one version to the next',
    base64_invalid: 'no JSON contract has bytes',
  }

  it('every code in the ledger is guarded by a mutant', () => {
    const codes = new Set(feedLog.ledger.flatMap(({ code }) => (code === undefined ? [] : [code])))
    expect([...codes].filter((code) => !isGuarded([...guarded])(code))).toEqual([])
    expect(feedLog.ledger.some(({ expect: outcome }) => outcome === 'late')).toBe(true)
  })

  /** Codes of the pipeline that no single record brings about, with the test of `@sluice/ingest-core` that holds them. */
  const ofNoRecord: Readonly<Record<string, string>> = {
    batch_too_large: 'decode-stage.test.ts',
    decode_crash: 'decode-service.test.ts',
  }

  it('every code of the pipeline is in the ledger, or is tested elsewhere', () => {
    const codes = new Set(feedLog.ledger.map(({ code }) => code))
    const absent = Object.keys(recordCodes).filter((code) => !codes.has(code) && !Object.hasOwn(decodeCodes, code))
    expect(absent.sort()).toEqual(Object.keys(ofNoRecord).sort())
    for (const [code, file] of Object.entries(ofNoRecord)) {
      expect(readFileSync(new URL(`../../ingest-core/test/${file}`, import.meta.url), 'utf8')).toContain(`'${code}'`)
    }
  })

  it('every code of the decoders is in the ledger, or is said to be out of reach', () => {
    const codes = new Set(feedLog.ledger.map(({ code }) => code))
    const absent = Object.keys(decodeCodes).filter((code) => !codes.has(code))
    expect(absent.sort()).toEqual(Object.keys(outOfReach).sort())
  })

  it('every rule of every contract is broken somewhere in the ledger, or is out of reach', () => {
    const broken = new Set(feedLog.ledger.map(({ topic, code }) => `${topic} ${code}`))
    const unbroken = listFeeds().flatMap(({ name, contract }) =>
      contract.rules.map((rule) => `${name} rule_${rule.name}`).filter((rule) => !broken.has(rule)),
    )
    expect(unbroken).toEqual([])
  })

  it('every place is in the sources exactly once', () => {
    for (const { edits } of [...mutants, ...redundantMutants]) {
      for (const edit of edits) {
        const text = readFileSync(new URL(`../../${edit.file}`, import.meta.url), 'utf8')
        expect(patched(edit, text)).not.toBe(text)
      }
    }
  })
})
