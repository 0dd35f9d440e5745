// Generated from contracts/telco/Customer by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** State of a customer; the newest updated_at wins. */
export interface Customer {
  /** Customer. */
  customer_id: string
  /** Female, Male or Other. */
  gender: string | null
  /** 65 years or older. */
  senior_citizen: boolean | null
  /** Lives with a partner. */
  partner: boolean | null
  /** Lives with dependents. */
  dependents: boolean | null
  /** Months as a customer. */
  tenure: number | null
  /** Has a phone line. */
  phone_service: boolean | null
  /** DSL, Fiber optic or No. */
  internet_service: string | null
  /** Month-to-month, One year or Two year. */
  contract: string | null
  /** Charged each month. */
  monthly_charges: string | null
  /** Charged so far; when missing, monthly_charges x tenure. */
  total_charges: string | null
  /** When this state became valid, UTC. */
  updated_at: bigint
  /** First name. */
  first_name: string | null
  /** Last name. */
  last_name: string | null
  /** E-mail address. */
  email: string | null
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'Customer',
      namespace: 'com.telco.customers',
      doc: 'State of a customer; the newest updated_at wins.',
      fields: [
        { name: 'customer_id', type: 'string', doc: 'Customer.' },
        { name: 'gender', type: ['null', 'string'], default: null, doc: 'Female, Male or Other.' },
        { name: 'senior_citizen', type: ['null', 'boolean'], default: null, doc: '65 years or older.' },
        { name: 'partner', type: ['null', 'boolean'], default: null, doc: 'Lives with a partner.' },
        { name: 'dependents', type: ['null', 'boolean'], default: null, doc: 'Lives with dependents.' },
        { name: 'tenure', type: ['null', 'int'], default: null, doc: 'Months as a customer.' },
        { name: 'phone_service', type: ['null', 'boolean'], default: null, doc: 'Has a phone line.' },
        { name: 'internet_service', type: ['null', 'string'], default: null, doc: 'DSL, Fiber optic or No.' },
        { name: 'contract', type: ['null', 'string'], default: null, doc: 'Month-to-month, One year or Two year.' },
        {
          name: 'monthly_charges',
          type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }],
          default: null,
          doc: 'Charged each month.',
        },
        {
          name: 'total_charges',
          type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 }],
          default: null,
          doc: 'Charged so far; when missing, monthly_charges x tenure.',
        },
        {
          name: 'updated_at',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'When this state became valid, UTC.',
        },
        { name: 'first_name', type: ['null', 'string'], default: null, doc: 'First name.' },
        { name: 'last_name', type: ['null', 'string'], default: null, doc: 'Last name.' },
        { name: 'email', type: ['null', 'string'], default: null, doc: 'E-mail address.' },
      ],
    },
  },
])

/** Contract of telco.Customer: Customer states of a telecommunications provider. */
export const customerContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'telco.Customer',
  domain: 'telco',
  event: 'Customer',
  description: 'Customer states of a telecommunications provider',
  topic: 'telco.customers',
  table: 'customers',
  format: 'json',
  subject: 'telco.customers-value',
  key: ['customer_id'],
  eventTime: 'updated_at',
  eventTimeUnit: 'milli',
  latenessMs: 600000,
  tombstones: 'dead-letter',
  partitionBy: [
    { field: 'updated_at', transform: 'year', as: 'year' },
    { field: 'updated_at', transform: 'month', as: 'month' },
    { field: 'updated_at', transform: 'day', as: 'day' },
    { field: 'updated_at', transform: 'hour', as: 'hour' },
  ],
  rules: [
    { name: 'customer_id_present', field: 'customer_id', minLength: 1 },
    { name: 'gender_known', field: 'gender', oneOf: ['Female', 'Male', 'Other'] },
    { name: 'tenure_range', field: 'tenure', min: 0, max: 1200 },
    { name: 'internet_service_known', field: 'internet_service', oneOf: ['DSL', 'Fiber optic', 'No'] },
    { name: 'contract_known', field: 'contract', oneOf: ['Month-to-month', 'One year', 'Two year'] },
    { name: 'monthly_charges_not_negative', field: 'monthly_charges', min: 0 },
    { name: 'total_charges_not_negative', field: 'total_charges', min: 0 },
    { name: 'email_format', field: 'email', pattern: '^[^@ ]+@[^@ ]+\\.[^@ .]+$' },
  ],
  pii: {
    customer_id: 'quasi',
    gender: 'sensitive',
    senior_citizen: 'sensitive',
    partner: 'sensitive',
    dependents: 'sensitive',
    first_name: 'direct',
    last_name: 'direct',
    email: 'direct',
  },
  fieldIds: {
    customer_id: 1,
    gender: 2,
    senior_citizen: 3,
    partner: 4,
    dependents: 5,
    tenure: 6,
    phone_service: 7,
    internet_service: 8,
    contract: 9,
    monthly_charges: 10,
    total_charges: 11,
    updated_at: 12,
    first_name: 13,
    last_name: 14,
    email: 15,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const customerValidator: z.ZodType<Customer> = /* @__PURE__ */ withRules(
  z.strictObject({
    customer_id: rowType.text(),
    gender: rowType.text().nullable(),
    senior_citizen: z.boolean().nullable(),
    partner: z.boolean().nullable(),
    dependents: z.boolean().nullable(),
    tenure: z.int32().nullable(),
    phone_service: z.boolean().nullable(),
    internet_service: rowType.text().nullable(),
    contract: rowType.text().nullable(),
    monthly_charges: rowType.decimal(10, 2).nullable(),
    total_charges: rowType.decimal(12, 2).nullable(),
    updated_at: z.int64(),
    first_name: rowType.text().nullable(),
    last_name: rowType.text().nullable(),
    email: rowType.text().nullable(),
  }),
  customerContract,
)

/** Columns with stable field ids. */
export const customerColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'customer_id', type: { kind: 'utf8' }, nullable: false, fieldId: 1 },
    { name: 'gender', type: { kind: 'utf8' }, nullable: true, fieldId: 2 },
    { name: 'senior_citizen', type: { kind: 'boolean' }, nullable: true, fieldId: 3 },
    { name: 'partner', type: { kind: 'boolean' }, nullable: true, fieldId: 4 },
    { name: 'dependents', type: { kind: 'boolean' }, nullable: true, fieldId: 5 },
    { name: 'tenure', type: { kind: 'int32' }, nullable: true, fieldId: 6 },
    { name: 'phone_service', type: { kind: 'boolean' }, nullable: true, fieldId: 7 },
    { name: 'internet_service', type: { kind: 'utf8' }, nullable: true, fieldId: 8 },
    { name: 'contract', type: { kind: 'utf8' }, nullable: true, fieldId: 9 },
    { name: 'monthly_charges', type: { kind: 'decimal', precision: 10, scale: 2 }, nullable: true, fieldId: 10 },
    { name: 'total_charges', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, fieldId: 11 },
    { name: 'updated_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 12 },
    { name: 'first_name', type: { kind: 'utf8' }, nullable: true, fieldId: 13 },
    { name: 'last_name', type: { kind: 'utf8' }, nullable: true, fieldId: 14 },
    { name: 'email', type: { kind: 'utf8' }, nullable: true, fieldId: 15 },
  ],
})

/** Table of rows and their lineage. */
export const customerPostgresDdl = `
CREATE TABLE IF NOT EXISTS "customers" (
  "customer_id" text NOT NULL,
  "gender" text,
  "senior_citizen" boolean,
  "partner" boolean,
  "dependents" boolean,
  "tenure" integer,
  "phone_service" boolean,
  "internet_service" text,
  "contract" text,
  "monthly_charges" numeric(10, 2),
  "total_charges" numeric(12, 2),
  "updated_at" timestamptz NOT NULL,
  "first_name" text,
  "last_name" text,
  "email" text,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "customers" IS 'Customer states of a telecommunications provider';
`
