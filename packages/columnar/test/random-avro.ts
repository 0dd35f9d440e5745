/** Random pairs of writer and reader schemas with values in the form avsc takes (unions wrapped, longs bigint). */

export interface Rng {
  /** Whole number from 0 to n - 1. */
  int(n: number): number
  chance(p: number): boolean
  pick<T>(items: readonly T[]): T
}

export function createRng(seed: number): Rng {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (n: number): number => Math.floor(next() * n)
  return { int, chance: (p) => next() < p, pick: (items) => items[int(items.length)]! }
}

export type Json = string | Json[] | { readonly [key: string]: unknown }

/** A type as written and as read, and a maker of values of the former. */
export interface Pair {
  readonly writer: Json
  readonly reader: Json
  value(rng: Rng): unknown
  /** Name avsc wraps a value of this type in inside a union. */
  readonly branch: string
}

const texts = [
  '',
  'a',
  'naïve',
  '日本語',
  'x'.repeat(70),
  '🙂🙃',
  'line\nbreak',
  'é'.repeat(300),
  'constructor',
  'plain text',
]
const longs = [
  0n,
  1n,
  -1n,
  63n,
  -64n,
  64n,
  1n << 31n,
  -(1n << 31n),
  (1n << 53n) + 1n,
  -(1n << 53n) - 1n,
  (1n << 63n) - 1n,
  -(1n << 63n),
  1760000000000n,
]
const ints = [0, 1, -1, 63, 64, -65, 8191, 8192, 2 ** 31 - 1, -(2 ** 31), 123456]
const doubles = [0, -0, 1.5, -2.25, NaN, Infinity, -Infinity, 5e-324, 1e308, 0.1]

function bytesOf(rng: Rng, n: number): Buffer {
  return Buffer.from(Array.from({ length: n }, () => rng.int(256)))
}

const scalarPairs: readonly (() => Pair)[] = [
  () => ({ writer: 'null', reader: 'null', value: () => null, branch: 'null' }),
  () => ({ writer: 'boolean', reader: 'boolean', value: (rng) => rng.chance(0.5), branch: 'boolean' }),
  ...['int', 'long', 'float', 'double'].map((reader) => (): Pair => ({
    writer: 'int',
    reader,
    value: (rng) => rng.pick(ints),
    branch: 'int',
  })),
  () => ({ writer: 'long', reader: 'long', value: (rng) => rng.pick(longs), branch: 'long' }),
  ...['float', 'double'].map(
    // avsc promotes longs beyond 2^53 wrongly (-2^63 becomes 2^63), so they are left to a test of their own.
    (reader) => (): Pair => ({
      writer: 'long',
      reader,
      value: (rng) => BigInt.asIntN(53, rng.pick(longs)),
      branch: 'long',
    }),
  ),
  ...['float', 'double'].map((reader) => (): Pair => ({
    writer: 'float',
    reader,
    value: (rng) => Math.fround(rng.pick(doubles)),
    branch: 'float',
  })),
  () => ({ writer: 'double', reader: 'double', value: (rng) => rng.pick(doubles), branch: 'double' }),
  ...['string', 'bytes'].map((reader) => (): Pair => ({
    writer: 'string',
    reader,
    value: (rng) => rng.pick(texts),
    branch: 'string',
  })),
  () => ({
    writer: 'bytes',
    reader: 'bytes',
    value: (rng) => bytesOf(rng, rng.pick([0, 1, 7, 8, 9, 200, 600])),
    branch: 'bytes',
  }),
  () => ({ writer: 'bytes', reader: 'string', value: (rng) => Buffer.from(rng.pick(texts)), branch: 'bytes' }),
  ...(
    ['timestamp-millis', 'timestamp-micros', 'timestamp-nanos', 'local-timestamp-micros', 'time-micros'] as const
  ).map((logicalType) => (): Pair => {
    const json = { type: 'long', logicalType }
    return { writer: json, reader: json, value: (rng) => rng.pick(longs), branch: 'long' }
  }),
  ...(['date', 'time-millis'] as const).map((logicalType) => (): Pair => {
    const json = { type: 'int', logicalType }
    return { writer: json, reader: json, value: (rng) => rng.pick(ints), branch: 'int' }
  }),
  () => {
    const json = { type: 'string', logicalType: 'uuid' }
    return { writer: json, reader: json, value: () => crypto.randomUUID(), branch: 'string' }
  },
  () => {
    const decimal = { type: 'bytes', logicalType: 'decimal', scale: 2 }
    return {
      writer: { ...decimal, precision: 12 },
      reader: { ...decimal, precision: 20 },
      value: (rng) => bytesOf(rng, rng.int(6)),
      branch: 'bytes',
    }
  },
]

/**
 * @param depth how much deeper records, arrays and maps may nest
 * @param names counter that keeps the names of types apart
 */
export function randomPair(rng: Rng, depth: number, names: { next: number }): Pair {
  const kind =
    depth > 0 && rng.chance(0.45)
      ? rng.pick(['record', 'array', 'map', 'union', 'nullable'])
      : rng.pick(['scalar', 'scalar', 'scalar', 'enum', 'fixed'])
  switch (kind) {
    case 'record':
      return randomRecord(rng, depth - 1, names)
    case 'array': {
      const item = randomPair(rng, depth - 1, names)
      return {
        writer: { type: 'array', items: item.writer },
        reader: { type: 'array', items: item.reader },
        value: (r) => Array.from({ length: r.pick([0, 1, 2, 30]) }, () => item.value(r)),
        branch: 'array',
      }
    }
    case 'map': {
      const item = randomPair(rng, depth - 1, names)
      return {
        writer: { type: 'map', values: item.writer },
        reader: { type: 'map', values: item.reader },
        value: (r) =>
          Object.fromEntries(Array.from({ length: r.int(4) }, (_, i) => [`k${i}${r.pick(texts)}`, item.value(r)])),
        branch: 'map',
      }
    }
    case 'nullable':
    case 'union':
      return randomUnion(rng, depth - 1, names, kind === 'nullable' ? 1 : 3)
    case 'enum': {
      const name = `E${names.next++}`
      const same = rng.chance(0.5)
      const reader = same ? ['A', 'B', 'C'] : ['C', 'X', 'A']
      return {
        writer: { type: 'enum', name, symbols: ['A', 'B', 'C'] },
        reader: { type: 'enum', name, symbols: reader, default: reader[1]! },
        value: (r) => r.pick(['A', 'B', 'C']),
        branch: name,
      }
    }
    case 'fixed': {
      const size = rng.pick([1, 5, 12, 16, 80])
      const json = { type: 'fixed', name: `F${names.next++}`, size }
      return { writer: json, reader: json, value: (r) => bytesOf(r, size), branch: json.name }
    }
    default:
      return rng.pick(scalarPairs)()
  }
}

function isUnion(json: Json): boolean {
  return Array.isArray(json)
}

function randomUnion(rng: Rng, depth: number, names: { next: number }, members: number): Pair {
  const branches: Pair[] = []
  const taken = new Set<string>()
  const readerKinds = new Set<string>()
  for (let tries = 0; branches.length < members && tries < 20; tries++) {
    const pair = randomPair(rng, depth, names)
    if (isUnion(pair.writer) || pair.branch === 'null') continue
    // Members keep their type, so that the first matching branch of the reader is the same by every reading of the spec.
    const member: Pair = { ...pair, reader: typeof pair.reader === 'string' ? pair.writer : pair.reader }
    const kind = typeof member.writer === 'string' ? member.writer : ((member.writer as { type: string }).type ?? '')
    const clash = ['int', 'long', 'float', 'double'].includes(kind)
      ? 'number'
      : ['string', 'bytes'].includes(kind)
        ? 'text'
        : member.branch
    if (taken.has(member.branch) || readerKinds.has(clash)) continue
    taken.add(member.branch)
    readerKinds.add(clash)
    branches.push(member)
  }
  const nullAt = rng.chance(0.7) ? rng.int(branches.length + 1) : -1
  const nothing: Pair = { writer: 'null', reader: 'null', value: () => null, branch: 'null' }
  if (nullAt >= 0 || branches.length === 0) branches.splice(Math.max(0, nullAt), 0, nothing)
  const reader = branches.map((branch) => branch.reader)
  if (rng.chance(0.3)) reader.reverse()
  return {
    writer: branches.map((branch) => branch.writer),
    reader,
    value: (r) => {
      const branch = r.pick(branches)
      const value = branch.value(r)
      return value === null ? null : { [branch.branch]: value }
    },
    branch: 'union',
  }
}

const added: readonly { readonly type: Json; readonly default: unknown }[] = [
  { type: 'int', default: -7 },
  { type: 'long', default: 123456789012 },
  { type: 'string', default: 'dé' },
  { type: 'bytes', default: '\u0000\u00ff' },
  { type: 'double', default: 2.5 },
  { type: 'boolean', default: true },
  { type: ['null', 'string'], default: null },
  { type: { type: 'array', items: 'string' }, default: ['p', 'q'] },
  { type: { type: 'map', values: 'int' }, default: { k: 1 } },
]

export function randomRecord(rng: Rng, depth: number, names: { next: number }): Pair {
  const name = `R${names.next++}`
  const fields: { name: string; pair: Pair }[] = []
  const count = 1 + rng.int(6)
  for (let i = 0; i < count; i++) fields.push({ name: `f${i}`, pair: randomPair(rng, depth, names) })
  const reader: Record<string, unknown>[] = []
  for (const field of fields) {
    const change = rng.int(8)
    if (change === 0) continue
    if (change === 1) reader.push({ name: `new_${field.name}`, aliases: [field.name], type: field.pair.reader })
    else reader.push({ name: field.name, type: field.pair.reader })
  }
  for (let i = 0; i < 2; i++) if (rng.chance(0.4)) reader.push({ name: `added${i}`, ...rng.pick(added) })
  if (reader.length === 0) reader.push({ name: 'added', ...added[0]! })
  for (let i = reader.length - 1; i > 0; i--) {
    const j = rng.int(i + 1)
    ;[reader[i], reader[j]] = [reader[j]!, reader[i]!]
  }
  return {
    writer: { type: 'record', name, fields: fields.map((field) => ({ name: field.name, type: field.pair.writer })) },
    reader: { type: 'record', name, fields: reader },
    value: (r) => Object.fromEntries(fields.map((field) => [field.name, field.pair.value(r)])),
    branch: name,
  }
}
