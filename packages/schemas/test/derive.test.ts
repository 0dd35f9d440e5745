import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchFromRows, concatBatches, rowsOf, sliceBatch } from '@sluice/columnar'
import { arrowSchemaOf, compileDerivation, deriveContract, getContract, wireContract } from '../src/index.ts'
import type { Contract, DeriveStep } from '../src/index.ts'

const customers = getContract('telco.Customer')
const events = getContract('analytics.AnalyticsEvent')

const steps: readonly DeriveStep[] = [
  { op: 'keep', when: { field: 'customer_id', minLength: 2 } },
  { op: 'null-mask', fields: ['gender', 'tenure', 'monthly_charges', 'partner'], as: 'made_up' },
  { op: 'default', field: 'gender', value: 'Unknown' },
  { op: 'default', field: 'tenure', value: 0 },
  { op: 'default', field: 'monthly_charges', value: '0.00' },
  { op: 'default', field: 'partner', value: false },
  { op: 'multiply', decimal: 'monthly_charges', by: 'tenure', field: 'total_charges' },
  {
    op: 'band',
    from: 'tenure',
    as: 'tenure_band',
    bands: [{ label: 'new', below: 12 }, { label: '1-4 years', below: 48 }, { label: 'loyal' }],
  },
  { op: 'flag', as: 'has_internet', when: { field: 'internet_service', oneOf: ['DSL', 'Fiber optic'] } },
  { op: 'drop', field: 'email' },
]
const derivedCustomers = deriveContract(customers, {
  event: 'CleanCustomer',
  version: 3,
  steps,
  rules: [{ name: 'charges_plausible', field: 'total_charges', max: 1_000_000 }],
})

interface Customer {
  readonly customer_id: string
  readonly gender: string | null
  readonly partner: boolean | null
  readonly tenure: number | null
  readonly internet_service: string | null
  readonly monthly_charges: bigint | null
  readonly total_charges: bigint | null
}

const text = (cents: bigint): string => {
  const digits = (cents < 0n ? -cents : cents).toString().padStart(3, '0')
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

function rowOf(customer: Customer, n: number): Record<string, unknown> {
  const { monthly_charges: monthly, total_charges: total } = customer
  return {
    ...customer,
    monthly_charges: monthly === null ? null : text(monthly),
    total_charges: total === null ? null : text(total),
    updated_at: BigInt(n),
    email: 'a@b.example',
  }
}

/** What becomes of one row, in plain JavaScript and BigInt. */
function model(customer: Customer): { outcome: string; row?: Record<string, unknown> } {
  if (customer.customer_id.length < 2) return { outcome: 'filtered' }
  const tenure = customer.tenure ?? 0
  const monthly = customer.monthly_charges ?? 0n
  const total = customer.total_charges ?? monthly * BigInt(tenure)
  if (total >= 10n ** 12n || total <= -(10n ** 12n)) return { outcome: 'derive_overflow' }
  if (total > 100_000_000n) return { outcome: 'rule_charges_plausible' }
  const row = {
    customer_id: customer.customer_id,
    gender: customer.gender ?? 'Unknown',
    partner: customer.partner ?? false,
    tenure,
    monthly_charges: text(monthly),
    total_charges: text(total),
    made_up: [customer.gender, customer.tenure, customer.monthly_charges, customer.partner].reduce(
      (mask: number, value, bit) => mask + (value === null ? 2 ** bit : 0),
      0,
    ),
    tenure_band: tenure < 12 ? 'new' : tenure < 48 ? '1-4 years' : 'loyal',
    has_internet: customer.internet_service === 'DSL' || customer.internet_service === 'Fiber optic',
  }
  return { outcome: 'row', row }
}

const arbitraryCustomer: fc.Arbitrary<Customer> = fc.record({
  customer_id: fc.constantFrom('C', 'C-1', 'Ç-22'),
  gender: fc.option(fc.constantFrom('Female', 'Male', 'Other')),
  partner: fc.option(fc.boolean()),
  tenure: fc.option(fc.oneof(fc.integer({ min: 0, max: 80 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))),
  internet_service: fc.option(fc.constantFrom('DSL', 'Fiber optic', 'No')),
  monthly_charges: fc.option(
    fc.oneof(fc.bigInt({ min: 0n, max: 20_000n }), fc.bigInt({ min: -(10n ** 10n) + 1n, max: 10n ** 10n - 1n })),
  ),
  total_charges: fc.option(fc.bigInt({ min: 0n, max: 200_000_000n })),
})

describe('compileDerivation', () => {
  const derive = compileDerivation(derivedCustomers)

  it('equals a plain model row by row, whatever the batches (defaults, exact product, bands, flags, rules)', () => {
    fc.assert(
      fc.property(fc.array(arbitraryCustomer, { maxLength: 40 }), fc.nat({ max: 40 }), (given, cutAt) => {
        const batch = batchFromRows(arrowSchemaOf(customers), given.map(rowOf))
        const { batch: out, rows, rejects, filtered } = derive(batch)
        const expected = given.map(model)
        const good = expected.flatMap(({ outcome }, row) => (outcome === 'row' ? [row] : []))
        expect(rows === undefined ? given.map((_, row) => row) : [...rows]).toEqual(good)
        expect(out.length).toBe(good.length)
        const names = Object.keys(expected[good[0]!]?.row ?? {})
        const found = rowsOf(out).map((row) => Object.fromEntries(names.map((name) => [name, row[name]])))
        expect(found).toEqual(good.map((row) => expected[row]!.row))
        expect(rejects.map(({ row, code }) => [row, code])).toEqual(
          expected.flatMap(({ outcome }, row) => (outcome.includes('_') ? [[row, outcome]] : [])),
        )
        expect([...filtered]).toEqual(expected.flatMap(({ outcome }, row) => (outcome === 'filtered' ? [row] : [])))

        const cut = Math.min(cutAt, batch.length)
        const parts = [sliceBatch(batch, 0, cut), sliceBatch(batch, cut, batch.length)].map(
          (part) => derive(part).batch,
        )
        expect(rowsOf(concatBatches(parts))).toEqual(rowsOf(out))
      }),
      { seed: 20_261_125, numRuns: 300 },
    )
  })

  it('leaves the given columns as they were', () => {
    const given = [{ customer_id: 'C-1', gender: null, partner: null, tenure: null, updated_at: 1n }]
    const batch = batchFromRows(arrowSchemaOf(customers), given)
    const before = structuredClone(rowsOf(batch))
    derive(batch)
    expect(rowsOf(batch)).toEqual(before)
  })

  it('copies scalars out of records, enums and decimals too, and null where the record around them is', () => {
    const flat = deriveContract(events, {
      event: 'FlatEvent',
      version: 1,
      steps: [
        { op: 'copy', from: 'device.type', as: 'device_type' },
        { op: 'copy', from: 'device.os', as: 'device_os' },
        { op: 'copy', from: 'payload.amount', as: 'amount' },
        { op: 'drop', field: 'device' },
        { op: 'drop', field: 'payload' },
      ],
      rules: [],
    })
    const row = {
      schema_version: 'v1',
      event_type: 'purchase',
      event_id: 'e1',
      idempotency_key: 'k1',
      user_id: 'u1',
      session_id: null,
      device: { type: 'tablet', os: null, browser: null, app_version: null },
      occurred_at: 1n,
      produced_at: 2n,
      payload: { plan: null, url: null, referrer: null, amount: '12.50', currency: 'EUR', failure_reason: null },
    }
    const { batch } = compileDerivation(flat)(batchFromRows(arrowSchemaOf(events), [row]))
    expect(rowsOf(batch)[0]).toMatchObject({ device_type: 'tablet', device_os: null, amount: '12.50' })
    expect(batch.schema.fields.map(({ name }) => name)).not.toContain('payload')
    expect(flat.pii).toEqual({ user_id: 'quasi', session_id: 'quasi' })
  })

  it('does nothing for a contract that is not derived', () => {
    const batch = batchFromRows(arrowSchemaOf(customers), [{ customer_id: 'C-1', updated_at: 1n }])
    expect(compileDerivation(customers)(batch).batch).toBe(batch)
  })
})

describe('deriveContract', () => {
  it('gives a contract: columns that lose null, ids of their own, personal data followed, source kept', () => {
    const { fields } = arrowSchemaOf(derivedCustomers)
    const field = (name: string) => fields.find((each) => each.name === name)
    expect(field('gender')).toMatchObject({ nullable: false, fieldId: 2 })
    expect(field('total_charges')).toMatchObject({ nullable: false, fieldId: 11 })
    expect(field('made_up')).toMatchObject({ nullable: false, fieldId: 500_001 })
    expect(field('tenure_band')).toMatchObject({ nullable: false, fieldId: 500_002 })
    expect(field('email')).toBeUndefined()
    expect(derivedCustomers.pii['email']).toBeUndefined()
    expect(derivedCustomers.name).toBe('telco.CleanCustomer')
    expect(derivedCustomers.derived?.id).toMatch(/^telco\.CleanCustomer@3#[0-9a-f]{8}$/)
    expect(wireContract(derivedCustomers)).toBe(customers)
    expect(wireContract(customers)).toBe(customers)
    expect(JSON.parse(JSON.stringify(derivedCustomers))).toEqual(derivedCustomers)
  })

  it('changes its id with its steps', () => {
    const other = deriveContract(customers, { event: 'CleanCustomer', version: 3, steps: steps.slice(0, 3), rules: [] })
    expect(other.derived?.id).not.toBe(derivedCustomers.derived?.id)
  })

  const bad: readonly (readonly [string, DeriveStep])[] = [
    ['a field that is not there', { op: 'default', field: 'nope', value: 1 }],
    ['a default for what is never null', { op: 'default', field: 'customer_id', value: 'x' }],
    ['a default of another type', { op: 'default', field: 'tenure', value: 'x' }],
    ['a column that exists', { op: 'null-mask', fields: ['tenure'], as: 'gender' }],
    ['a product of other scales', { op: 'multiply', decimal: 'tenure', by: 'tenure', field: 'total_charges' }],
    ['a factor that is no int', { op: 'multiply', decimal: 'monthly_charges', by: 'gender', field: 'total_charges' }],
    ['bands without an open end', { op: 'band', from: 'tenure', as: 'b', bands: [{ label: 'x', below: 3 }] }],
    ['bands of a text', { op: 'band', from: 'gender', as: 'b', bands: [{ label: 'x' }] }],
    ['a condition of another type', { op: 'keep', when: { field: 'gender', min: 3 } }],
    ['dropping the key', { op: 'drop', field: 'customer_id' }],
    ['dropping the event time', { op: 'drop', field: 'updated_at' }],
  ]
  it.each(bad)('refuses %s', (_what, step) => {
    const make = (): Contract => deriveContract(customers, { event: 'Bad', version: 1, steps: [step], rules: [] })
    expect(make).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(CONTRACT_INVALID|ROW_VALUE)$/) as string }),
    )
  })

  it('refuses to derive from a derived contract', () => {
    const again = (): Contract => deriveContract(derivedCustomers, { event: 'Twice', version: 1, steps: [] })
    expect(again).toThrow(expect.objectContaining({ code: 'CONTRACT_INVALID' }))
  })
})
