import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testServices, type TestServices } from '@sluice-tools/services'
import {
  checkCompatibility,
  createHttpRegistry,
  parseSchema,
  SchemaError,
  type AvroSchema,
  type CompatibilityMode,
  type CompatibilityRule,
  type HttpRegistry,
} from '../src/index.ts'
import { a, avroBreaks, avroHarmless, b, of } from './support/compatibility-cases.ts'
import { evolutionOf } from './support/evolutions.ts'

/** The same cases, judged here and by a real Apicurio. What differs is listed in docs/schema-registry-differences.md, and only that. */
let services: TestServices
let registry: HttpRegistry
const run = randomUUID().slice(0, 8)
let subjects = 0

beforeAll(async () => {
  services = await testServices(['apicurio'])
  registry = createHttpRegistry({ url: services.env.SCHEMA_REGISTRY_URL! })
}, 900_000)

afterAll(async () => {
  registry.close()
  await services.release()
})

type Verdict = 'compatible' | 'incompatible' | 'invalid'

async function theirs(earlier: readonly AvroSchema[], next: AvroSchema, mode: CompatibilityMode): Promise<Verdict> {
  const subject = `agreement-${run}-${subjects++}-value`
  try {
    for (const schema of earlier) await registry.register(subject, schema)
    await registry.setMode(subject, mode)
    return (await registry.accepts(subject, next)).compatible ? 'compatible' : 'incompatible'
  } catch (error) {
    if (error instanceof SchemaError && error.code === 'REGISTRY_REFUSED') return 'invalid'
    throw error
  }
}

const ours = (earlier: readonly AvroSchema[], next: AvroSchema, mode: CompatibilityMode) =>
  checkCompatibility(
    next,
    earlier.map((schema, i) => ({ version: i + 1, schema })),
    mode,
  )

/** Rules by which the house is stricter than Avro's own compatibility check: see the document. */
const stricter: readonly CompatibilityRule[] = [
  'bytes_not_text',
  'logical_type_changed',
  'logical_type_added',
  'decimal_scale_changed',
  'decimal_digits_reduced',
]

describe('verdicts here and of a real registry', () => {
  it('differ only in the cases that the document lists, and in all of them', async () => {
    const found: string[] = []
    for (const [name, writer, reader] of [...avroBreaks, ...avroHarmless]) {
      const here = ours([writer], reader, 'BACKWARD').compatible ? 'compatible' : 'incompatible'
      const there = await theirs([writer], reader, 'BACKWARD')
      if (here !== there) found.push(`${name}: ${here} here, ${there} there`)
    }
    const text = await readFile(new URL('../../../docs/schema-registry-differences.md', import.meta.url), 'utf8')
    const listed = [
      ...text.matchAll(/^\| (.+?) +\| (compatible|incompatible) +\| (compatible|incompatible|invalid) +\|/gm),
    ]
    expect(listed.map(([, name, here, there]) => `${name}: ${here} here, ${there} there`).sort()).toEqual(found.sort())
  })

  it('are never laxer here, and stricter only by the rules the document names, whatever the evolution', async () => {
    const counts = { same: 0, stricter: 0, invalid: 0 }
    for (let seed = 0; seed < 150; seed++) {
      const { before, after, edits } = evolutionOf(seed)
      if (![before, after].every(parses)) continue
      const here = ours([before], after, 'BACKWARD')
      const there = await theirs([before], after, 'BACKWARD')
      const what = { seed, edits, problems: here.problems }
      if (there === 'invalid') counts.invalid += 1
      else if (here.compatible) {
        expect({ ...what, there }).toEqual({ ...what, there: 'compatible' })
        counts.same += 1
      } else if (there === 'compatible') {
        expect({
          ...what,
          rules: here.problems.filter(({ rule }) => !stricter.includes(rule) && !decimalOf(rule)),
        }).toEqual({
          ...what,
          rules: [],
        })
        counts.stricter += 1
      } else counts.same += 1
    }
    expect(counts.same).toBeGreaterThan(100)
    expect(counts.invalid).toBeLessThan(15)
  })

  const v1 = of(a)
  const v2 = of(a, { ...b, default: 0 })
  const v3 = of(a, b)
  it.each([
    ['BACKWARD', [v1, v2], v3],
    ['BACKWARD_TRANSITIVE', [v1, v2], v3],
    ['FORWARD', [v3, v2], v1],
    ['FORWARD_TRANSITIVE', [v3, v2], v1],
    ['FULL', [v1, v2], v3],
    ['FULL_TRANSITIVE', [v1, v2], v3],
    ['FULL_TRANSITIVE', [v1], v2],
    ['FORWARD', [v1], v3],
    ['BACKWARD', [v1], v3],
    ['NONE', [v1], of({ ...a, type: 'string' })],
  ] as [CompatibilityMode, AvroSchema[], AvroSchema][])('agree in mode %s', async (mode, earlier, next) => {
    const here = ours(earlier, next, mode).compatible ? 'compatible' : 'incompatible'
    expect(await theirs(earlier, next, mode)).toBe(here)
  })
})

/** A decimal read as its bytes loses its meaning: listed as "a decimal to text" and the like. */
const decimalOf = (rule: CompatibilityRule): boolean => rule === 'type_changed'

function parses(schema: AvroSchema): boolean {
  try {
    parseSchema(schema)
    return true
  } catch (error) {
    if (error instanceof SchemaError) return false
    throw error
  }
}
