import type { Column, ColumnBatch, Schema } from '@sluice/columnar'

/** UserEvent v2 (SPEC section 3) as a column schema. */
export const userEventSchema: Schema = {
  fields: [
    { name: 'event_id', type: { kind: 'utf8' }, nullable: false, fieldId: 1 },
    { name: 'user_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    {
      name: 'event_type',
      type: { kind: 'enum', symbols: ['PAGE_VIEW', 'ADD_TO_CART', 'REMOVE_FROM_CART', 'PURCHASE', 'SEARCH'] },
      nullable: false,
      fieldId: 3,
    },
    { name: 'timestamp', type: { kind: 'int64' }, nullable: false, fieldId: 4 },
    { name: 'session_id', type: { kind: 'utf8' }, nullable: false, fieldId: 5 },
    { name: 'product_id', type: { kind: 'utf8' }, nullable: true, fieldId: 6 },
    { name: 'product_name', type: { kind: 'utf8' }, nullable: true, fieldId: 7 },
    { name: 'price', type: { kind: 'float64' }, nullable: true, fieldId: 8 },
    { name: 'category', type: { kind: 'utf8' }, nullable: true, fieldId: 9 },
    {
      name: 'device_type',
      type: { kind: 'enum', symbols: ['MOBILE', 'DESKTOP', 'TABLET'] },
      nullable: true,
      fieldId: 10,
    },
    { name: 'country', type: { kind: 'utf8' }, nullable: true, fieldId: 11 },
  ],
}

const PRODUCTS = [
  ['PROD-001', 'Wireless Mouse', 799, 'Electronics'],
  ['PROD-002', 'Mechanical Keyboard', 3499, 'Electronics'],
  ['PROD-003', 'Cotton T-Shirt', 499.5, 'Fashion'],
  ['PROD-004', 'Running Shoes', 2999, 'Fashion'],
  ['PROD-005', 'Water Bottle', 349, 'Home'],
  ['PROD-006', 'Desk Lamp', 1299, 'Home'],
  ['PROD-007', 'Notebook A5', 149.75, 'Stationery'],
  ['PROD-008', 'Gel Pen Set', 199, 'Stationery'],
  ['PROD-009', 'Yoga Mat', 899, 'Sports'],
  ['PROD-010', 'Football', 649, 'Sports'],
] as const
const COUNTRIES = ['IN', 'US', 'UK', 'DE', 'CA', 'AU']
const BATCH_ROWS = 8192

/** Deterministic uniform numbers in [0, 2^32): Mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

/** Rows as plain values: what the row-based writers are given. Absent values are null. */
export interface UserEventValues {
  readonly event_id: string[]
  readonly user_id: string[]
  readonly event_type: number[]
  readonly timestamp: bigint[]
  readonly session_id: string[]
  readonly product_id: (string | null)[]
  readonly product_name: (string | null)[]
  readonly price: (number | null)[]
  readonly category: (string | null)[]
  readonly device_type: (number | null)[]
  readonly country: (string | null)[]
}

/**
 * Events of 100 users, each with one live session of some 5 to 30 minutes: random event ids, sessions that repeat a few
 * dozen times, ten products, a product on four events of five, a device and country on nine of ten.
 */
export function makeUserEvents(rows: number, seed = 1): UserEventValues {
  const next = randomNumbers(seed)
  const hex = (): string => next().toString(16).padStart(8, '0')
  const uuid = (): string => {
    const h = hex() + hex() + hex() + hex()
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20)}`
  }
  const sessions = Array.from({ length: 100 }, uuid)
  const values: UserEventValues = {
    event_id: [],
    user_id: [],
    event_type: [],
    timestamp: [],
    session_id: [],
    product_id: [],
    product_name: [],
    price: [],
    category: [],
    device_type: [],
    country: [],
  }
  let now = 1_795_000_000_000
  for (let i = 0; i < rows; i++) {
    const user = next() % 100
    if (next() % 40 === 0) sessions[user] = uuid()
    now += next() % 20
    const draw = next() % 100
    const type = draw < 60 ? 0 : draw < 80 ? 1 : draw < 85 ? 2 : draw < 95 ? 3 : 4
    const product = type !== 4 && next() % 6 !== 0 ? PRODUCTS[next() % 10]! : undefined
    values.event_id.push(uuid())
    values.user_id.push(`user_${String(user).padStart(4, '0')}`)
    values.event_type.push(type)
    values.timestamp.push(BigInt(now))
    values.session_id.push(sessions[user]!)
    values.product_id.push(product?.[0] ?? null)
    values.product_name.push(product?.[1] ?? null)
    values.price.push(product?.[2] ?? null)
    values.category.push(product?.[3] ?? null)
    values.device_type.push(next() % 10 === 0 ? null : user % 3)
    values.country.push(next() % 10 === 0 ? null : COUNTRIES[user % 6]!)
  }
  return values
}

/** The same rows as column batches of 8192 rows, the size a decode worker hands over. */
export function userEventBatches(values: UserEventValues): ColumnBatch[] {
  const batches: ColumnBatch[] = []
  for (let from = 0; from < values.event_id.length; from += BATCH_ROWS) {
    const length = Math.min(BATCH_ROWS, values.event_id.length - from)
    const columns = userEventSchema.fields.map(({ name, type }) =>
      makeColumn(type, values[name as keyof UserEventValues].slice(from, from + length)),
    )
    batches.push({ schema: userEventSchema, length, columns })
  }
  return batches
}

function makeColumn(type: Column['type'], values: readonly (string | number | bigint | null)[]): Column {
  const length = values.length
  const validity = new Uint8Array(Math.ceil(length / 8))
  let nullCount = 0
  values.forEach((value, i) => {
    if (value === null) nullCount++
    else validity[i >> 3]! |= 1 << (i & 7)
  })
  const base = { type, length, nullCount, ...(nullCount > 0 ? { validity } : {}) }
  if (type.kind === 'enum') return { ...base, values: Int32Array.from(values, (v) => Number(v ?? 0)) }
  if (type.kind === 'int64') return { ...base, values: BigInt64Array.from(values as bigint[]) }
  if (type.kind === 'float64') return { ...base, values: Float64Array.from(values, (v) => Number(v ?? 0)) }
  const texts = values.map((v) => Buffer.from((v ?? '') as string))
  const offsets = new Int32Array(length + 1)
  texts.forEach((text, i) => {
    offsets[i + 1] = offsets[i]! + text.length
  })
  return { ...base, offsets, values: new Uint8Array(Buffer.concat(texts)) }
}
