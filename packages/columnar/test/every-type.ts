import type { DataType, Field, Schema } from '../src/types.ts'

const field = (name: string, type: DataType, nullable = true): Field => ({ name, type, nullable })
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** Edge values per type, in the form `makeBatch` takes. */
export const edgeValues: readonly { readonly name: string; readonly type: DataType; readonly values: unknown[] }[] = [
  { name: 'boolean', type: { kind: 'boolean' }, values: [true, false] },
  { name: 'int32', type: { kind: 'int32' }, values: [0, -1, 1, 2147483647, -2147483648] },
  {
    name: 'int64',
    type: { kind: 'int64' },
    values: [0n, -1n, 2n ** 53n - 1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)],
  },
  {
    name: 'float32',
    type: { kind: 'float32' },
    values: [0, -0, 1.5, Math.fround(0.1), Math.fround(3.4e38), Math.fround(1e-45), -Infinity, Infinity, NaN],
  },
  {
    name: 'float64',
    type: { kind: 'float64' },
    values: [0, -0, 0.1, Number.MAX_VALUE, Number.MIN_VALUE, -1e21, Infinity, -Infinity, NaN],
  },
  {
    name: 'utf8',
    type: { kind: 'utf8' },
    values: ['', 'a', 'é', '日本語', '😀 \u{10ffff}', 'line\nbreak\u2028', '\0', '"\\', 'x'.repeat(300)],
  },
  { name: 'binary', type: { kind: 'binary' }, values: [bytes(), bytes(0), bytes(255, 254, 0, 1), bytes(0x80)] },
  { name: 'fixed', type: { kind: 'fixed', size: 3 }, values: [bytes(0, 0, 0), bytes(255, 0, 1), bytes(1, 2, 3)] },
  { name: 'enum', type: { kind: 'enum', symbols: ['UNUSED', 'B', 'A', 'ÄÖ'] }, values: ['B', 'A', 'ÄÖ'] },
  {
    name: 'decimal9',
    type: { kind: 'decimal', precision: 9, scale: 2 },
    values: [0n, 1n, -1n, 999_999_999n, -999_999_999n],
  },
  {
    name: 'decimal18',
    type: { kind: 'decimal', precision: 18, scale: 0 },
    values: [0n, -1n, 10n ** 18n - 1n, 1n - 10n ** 18n, 2n ** 53n + 1n],
  },
  { name: 'decimal20', type: { kind: 'decimal', precision: 20, scale: 20 }, values: [0n, -1n, 10n ** 20n - 1n] },
  {
    name: 'decimal38',
    type: { kind: 'decimal', precision: 38, scale: 10 },
    values: [0n, 1n, -1n, 10n ** 38n - 1n, 1n - 10n ** 38n, 2n ** 64n, -(2n ** 64n)],
  },
  { name: 'date', type: { kind: 'date' }, values: [0, -1, 1, -719_162, 20_000, 2_932_896] },
  { name: 'time_milli', type: { kind: 'time', unit: 'milli' }, values: [0, 1, 86_399_999] },
  { name: 'time_micro', type: { kind: 'time', unit: 'micro' }, values: [0n, 1n, 86_399_999_999n] },
  {
    name: 'timestamp_milli',
    type: { kind: 'timestamp', unit: 'milli', utc: true },
    values: [0n, -1n, 1n, 1_795_000_000_123n, -62_135_596_800_000n],
  },
  {
    name: 'timestamp_micro',
    type: { kind: 'timestamp', unit: 'micro', utc: true },
    values: [0n, -1n, 1n, 1_795_000_000_123_456n, -62_135_596_800_000_000n],
  },
  {
    name: 'timestamp_nano',
    type: { kind: 'timestamp', unit: 'nano', utc: false },
    values: [0n, -1n, 1n, 1_795_000_000_123_456_789n],
  },
  {
    name: 'timestamp_local',
    type: { kind: 'timestamp', unit: 'micro', utc: false },
    values: [0n, -1n, 1_795_000_000_123_456n],
  },
  {
    name: 'uuid',
    type: { kind: 'uuid' },
    values: [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '0123e456-89ab-4def-8123-456789abcdef',
    ],
  },
  {
    name: 'list',
    type: { kind: 'list', item: field('item', { kind: 'int32' }) },
    values: [[], [1], [null], [1, null, 3], Array.from({ length: 100 }, (_, i) => i)],
  },
  {
    name: 'list_of_required',
    type: { kind: 'list', item: field('item', { kind: 'utf8' }, false) },
    values: [[], ['a'], ['', 'b', 'c']],
  },
  {
    name: 'list_of_lists',
    type: {
      kind: 'list',
      item: field('item', { kind: 'list', item: field('item', { kind: 'utf8' }) }),
    },
    values: [[], [[]], [null], [['a', null], [], null, ['b']], [['c']]],
  },
  {
    name: 'map',
    type: { kind: 'map', value: field('value', { kind: 'float64' }) },
    values: [
      [],
      [['a', 1]],
      [
        ['b', null],
        ['', 2.5],
      ],
    ],
  },
  {
    name: 'struct',
    type: {
      kind: 'struct',
      fields: [
        field('a', { kind: 'int32' }),
        field('b', { kind: 'utf8' }, false),
        field('c', { kind: 'struct', fields: [field('d', { kind: 'int64' })] }),
      ],
    },
    values: [
      { a: 1, b: 'x', c: { d: 5n } },
      { a: null, b: '', c: { d: null } },
      { a: 3, b: 'y', c: null },
    ],
  },
  {
    name: 'order_lines',
    type: {
      kind: 'list',
      item: field('item', {
        kind: 'struct',
        fields: [
          field('sku', { kind: 'utf8' }, false),
          field('price', { kind: 'decimal', precision: 10, scale: 2 }),
          field('tags', { kind: 'list', item: field('item', { kind: 'utf8' }, false) }),
          field('attributes', {
            kind: 'map',
            value: field('value', { kind: 'list', item: field('i', { kind: 'int32' }) }),
          }),
        ],
      }),
    },
    values: [
      [],
      [null],
      [{ sku: 'a', price: 125n, tags: [], attributes: [] }, null],
      [
        { sku: 'b', price: null, tags: null, attributes: null },
        {
          sku: '',
          price: -1n,
          tags: ['x', 'y'],
          attributes: [
            ['k', [1, null]],
            ['l', []],
            ['m', null],
          ],
        },
      ],
    ],
  },
]

/** One nullable and one required column per type. */
export const everyTypeSchema: Schema = {
  fields: edgeValues.flatMap(({ name, type }, index) => [
    { name, type, nullable: true, fieldId: 2 * index + 1 },
    { name: `${name}_required`, type, nullable: false, fieldId: 2 * index + 2 },
  ]),
}

/** Rows that hold every edge value; every third nullable value is null. */
export function everyTypeRows(count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(
      edgeValues.flatMap(({ name, values }) => [
        [name, row % 3 === 2 ? null : values[row % values.length]],
        [`${name}_required`, values[row % values.length]],
      ]),
    ),
  )
}
