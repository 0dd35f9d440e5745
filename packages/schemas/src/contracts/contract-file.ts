import { z } from 'zod'
import { compatibilityModes } from '../compatibility/check-compatibility.ts'
import { SchemaError } from '../errors.ts'

const snake = z.string().regex(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/, 'must be snake_case')
const rule = z.strictObject({
  name: snake,
  field: z.string(),
  min: z.number().optional(),
  max: z.number().optional(),
  exclusiveMin: z.number().optional(),
  oneOf: z.array(z.string()).min(1).optional(),
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  pattern: z.string().min(1).optional(),
  notBefore: z.string().optional(),
  required: z.literal(true).optional(),
  when: z.record(z.string(), z.array(z.string()).min(1)).optional(),
})

/** `contract.json`: what a schema does not say about its events. */
const contractFile = z.strictObject({
  description: z.string().min(1),
  topic: z.string().regex(/^[a-zA-Z0-9._-]{1,249}$/, 'must be a Kafka topic name'),
  table: snake,
  format: z.enum(['avro', 'json']),
  key: z.array(z.string()).min(1),
  id: z.string().optional(),
  eventTime: z.string(),
  eventTimeUnit: z.enum(['milli', 'micro']).optional(),
  lateness: z.string(),
  tombstones: z.enum(['dead-letter', 'skip', 'delete']),
  partitionBy: z.array(
    z.strictObject({
      field: z.string(),
      transform: z.enum(['value', 'year', 'month', 'day', 'hour']),
      as: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a plain name'),
    }),
  ),
  rules: z.array(rule),
  pii: z.record(z.string(), z.enum(['direct', 'quasi', 'sensitive'])),
  /** For the schema gate: what new versions must be able to do, and whether readers of JSON refuse unknown fields. */
  compatibility: z.enum(compatibilityModes).optional(),
  jsonReaders: z.enum(['open', 'closed']).optional(),
})

export type ContractFile = z.infer<typeof contractFile>

/** @throws {SchemaError} CONTRACT_INVALID naming file and key */
export function parseContractFile(text: string, file: string): ContractFile {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new SchemaError('CONTRACT_INVALID', `${file} is not JSON`, { cause })
  }
  const parsed = contractFile.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const path = issue.path.join('.')
  throw new SchemaError('CONTRACT_INVALID', `${file}${path === '' ? '' : `, ${path}`}: ${issue.message}`, {
    path,
    expected: issue.message,
  })
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `90s`, `10m`, `48h`, `7d`. @throws {SchemaError} CONTRACT_INVALID */
export function parseDuration(text: string, file: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  if (match === null) {
    throw new SchemaError('CONTRACT_INVALID', `${file}, lateness: must be a whole number and ms, s, m, h or d`, {
      path: 'lateness',
    })
  }
  return Number(match[1]) * units[match[2]!]!
}
