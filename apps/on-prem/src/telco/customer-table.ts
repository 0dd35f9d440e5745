import { deriveContract, getContract, type Contract, type DeriveStep } from '@sluice/schemas'

const source = getContract('telco.Customer')

/** Value that stands for null, by field. Names and e-mail have no sensible default and stay null. */
export const customerDefaults = {
  gender: 'Unknown',
  senior_citizen: false,
  partner: false,
  dependents: false,
  tenure: 0,
  phone_service: false,
  internet_service: 'No',
  contract: 'Month-to-month',
  monthly_charges: '0.00',
} as const

/** Fields of the mask `defaulted`, from the lowest bit: those that were not sent. */
const maskedFields: readonly string[] = [...Object.keys(customerDefaults), 'total_charges']

const steps: readonly DeriveStep[] = [
  { op: 'null-mask', fields: maskedFields, as: 'defaulted' },
  ...Object.entries(customerDefaults).map(([field, value]): DeriveStep => ({ op: 'default', field, value })),
  { op: 'multiply', decimal: 'monthly_charges', by: 'tenure', field: 'total_charges' },
  {
    op: 'band',
    from: 'tenure',
    as: 'tenure_band',
    bands: [
      { label: '0-11 months', below: 12 },
      { label: '12-23 months', below: 24 },
      { label: '24-47 months', below: 48 },
      { label: '48+ months' },
    ],
  },
  { op: 'flag', as: 'has_internet', when: { field: 'internet_service', oneOf: ['DSL', 'Fiber optic'] } },
]

/** What is on the topic. */
export const customerSource: Contract = source

/**
 * A customer as tables hold it: defaults for nulls, a missing total computed in exact decimals, bands and flags. The rules
 * of the source hold for what is sent; these for what is stored.
 */
export const cleanCustomers: Contract = deriveContract(source, {
  event: 'CleanCustomer',
  version: 1,
  description: 'Customers with defaults for what is missing, and derived columns',
  steps,
  rules: [
    ...source.rules.filter(({ name }) => name !== 'gender_known'),
    { name: 'gender_known', field: 'gender', oneOf: ['Female', 'Male', 'Other', 'Unknown'] },
  ],
})

/** The row as it was sent: without what the mask says was made up. */
export function customerAsSent(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const mask = Number(row['defaulted'])
  const sent: Record<string, unknown> = { ...row }
  maskedFields.forEach((field, bit) => {
    if ((mask & (1 << bit)) !== 0) sent[field] = null
  })
  return sent
}
