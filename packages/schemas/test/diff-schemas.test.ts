import { expect, it } from 'vitest'
import { diffSchemas } from '../src/gate/index.ts'
import type { AvroSchema } from '../src/index.ts'
import { evolutionOf } from './support/evolutions.ts'

const of = (...fields: object[]): AvroSchema => ({ type: 'record', name: 'R', fields })
const a = { name: 'a', type: 'int' }
const b = { name: 'b', type: 'string' }
const symbols = (...names: string[]) => ({ type: 'enum', name: 'E', symbols: names })

it.each([
  ['a field added', of(a), of(a, { ...b, default: 'x' }), [{ kind: 'field-added', path: 'b', after: 'string = "x"' }]],
  ['a field removed', of(a, b), of(a), [{ kind: 'field-removed', path: 'b', before: 'string' }]],
  [
    'a field renamed by alias',
    of(a),
    of({ ...a, name: 'c', aliases: ['a'] }),
    [{ kind: 'field-renamed', path: 'c', before: 'a', after: 'c' }],
  ],
  [
    'a type changed',
    of(a),
    of({ ...a, type: 'long' }),
    [{ kind: 'type-changed', path: 'a', before: 'int', after: 'long' }],
  ],
  [
    'made nullable',
    of(a),
    of({ ...a, type: ['null', 'int'] }),
    [{ kind: 'type-changed', path: 'a', before: 'int', after: 'union of null, int' }],
  ],
  [
    'a default changed',
    of({ ...a, default: 1 }),
    of({ ...a, default: 2 }),
    [{ kind: 'default-changed', path: 'a', before: '1', after: '2' }],
  ],
  ['a default added', of(a), of({ ...a, default: 2 }), [{ kind: 'default-changed', path: 'a', after: '2' }]],
  [
    'symbols',
    of({ ...a, type: symbols('A', 'B') }),
    of({ ...a, type: symbols('A', 'C') }),
    [
      { kind: 'symbol-added', path: 'a', after: 'C' },
      { kind: 'symbol-removed', path: 'a', before: 'B' },
    ],
  ],
  ['order', of(a, b), of(b, a), [{ kind: 'field-moved', path: 'a' }]],
  ['words', of(a), of({ ...a, doc: 'what' }), [{ kind: 'doc-changed', path: 'a', after: 'what' }]],
  [
    'inside lists of nullable records',
    of({ name: 'l', type: { type: 'array', items: ['null', { type: 'record', name: 'I', fields: [a] }] } }),
    of({ name: 'l', type: { type: 'array', items: ['null', { type: 'record', name: 'I', fields: [a, b] }] } }),
    [{ kind: 'field-added', path: 'l[].b', after: 'string' }],
  ],
] as [string, AvroSchema, AvroSchema, object[]][])('tells %s', (_, before, after, expected) => {
  expect(diffSchemas(before, after)).toEqual(expected)
})

it('ends on recursive schemas, and finds nothing between a schema and itself', () => {
  const tree = of(a, { name: 'next', type: ['null', 'R'] })
  expect(diffSchemas(tree, tree)).toEqual([])
  for (let seed = 0; seed < 300; seed++) {
    const { before } = evolutionOf(seed)
    try {
      expect(diffSchemas(before, before)).toEqual([])
    } catch (error) {
      if ((error as { code?: string }).code !== 'SCHEMA_INVALID') throw error
    }
  }
})
