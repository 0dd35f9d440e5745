import { shortName } from '@sluice/columnar/avro'
import type { AvroNode } from '../avro/model.ts'
import type { AvroSchema, Contract } from '../contract.ts'
import { checkContract } from '../contracts/check.ts'
import { findField, logicalOf, withoutNull, type FieldPath } from '../contracts/field-path.ts'
import { recordOf } from '../contracts/record.ts'
import { SchemaError } from '../errors.ts'
import type { Condition, DeriveStep } from './steps.ts'

/** A field of an Avro record as written. */
interface FieldJson {
  readonly name: string
  readonly type: AvroSchema
  readonly default?: unknown
  readonly doc?: string
}

/** The schema before a step, beside the step. */
export interface StepPlan {
  readonly step: DeriveStep
  readonly before: AvroSchema
}

/** Name of the column that a step adds, when it does. */
export function addedBy(step: DeriveStep): string | undefined {
  return 'as' in step ? step.as : undefined
}

/**
 * The schemas that a row has on its way through the steps.
 * @throws {SchemaError} CONTRACT_INVALID naming step and field
 */
export function planSteps(from: Contract, steps: readonly DeriveStep[]): { plans: StepPlan[]; schema: AvroSchema } {
  let schema = from.schema
  const plans = steps.map((step, number) => {
    const before = schema
    schema = { ...(before as object), fields: fieldsAfter(from, before, step, number) } as unknown as AvroSchema
    return { step, before }
  })
  return { plans, schema }
}

function fieldsAfter(from: Contract, schema: AvroSchema, step: DeriveStep, number: number): FieldJson[] {
  const { fields } = schema as unknown as { readonly fields: readonly FieldJson[] }
  const record = recordOf(schema, from.name)
  const wrong = (message: string): SchemaError => {
    const path = `steps[${number}]`
    return new SchemaError('CONTRACT_INVALID', `${from.name}, ${path} (${step.op}): ${message}`, {
      path,
      expected: message,
    })
  }
  const find = (path: string): FieldPath => {
    const found = findField(record, path)
    if (found === undefined || found.list !== undefined) throw wrong(`there is no field ${path} outside of lists`)
    return found
  }
  const top = (name: string): FieldPath => {
    if (!fields.some((field) => field.name === name)) throw wrong(`there is no column ${name}`)
    return find(name)
  }
  const add = (name: string, type: AvroSchema, doc: string): FieldJson[] => {
    if (fields.some((field) => field.name === name)) throw wrong(`there is a column ${name} already`)
    const field = Array.isArray(type) ? { name, type, default: null, doc } : { name, type, doc }
    return [...fields, field]
  }
  const check = (when: Condition): void => {
    const rules = [{ ...when, name: 'condition' }]
    checkContract({ ...from, schema, rules }, record)
  }

  switch (step.op) {
    case 'default': {
      const { nullable } = top(step.field)
      if (!nullable) throw wrong(`${step.field} is never null`)
      return fields.map((field) => (field.name === step.field ? notNull(field, JSON.stringify(step.value)) : field))
    }
    case 'null-mask':
      step.fields.forEach(top)
      if (step.fields.length > 31) throw wrong('a mask has room for 31 fields')
      return add(step.as, 'int', `Which were missing, from the lowest bit: ${step.fields.join(', ')}.`)
    case 'copy': {
      const { node, nullable } = find(step.from)
      const type = scalarJson(node, step.as)
      if (type === undefined) throw wrong(`${step.from} is not a scalar`)
      return add(step.as, nullable ? ['null', type] : type, `${step.from}.`)
    }
    case 'multiply': {
      const scales = [step.decimal, step.field].map((name) => {
        const logical = logicalOf(top(name).node)
        return logical?.name === 'decimal' ? logical.scale : undefined
      })
      if (scales[0] === undefined || scales[0] !== scales[1]) {
        throw wrong(`${step.decimal} and ${step.field} must be decimals of one scale`)
      }
      const by = top(step.by)
      if (by.node.kind !== 'int' || by.node.logical !== undefined) throw wrong(`${step.by} must be an int`)
      if (!top(step.field).nullable) throw wrong(`${step.field} is never null`)
      if (top(step.decimal).nullable || by.nullable) return [...fields]
      const note = `${step.decimal} x ${step.by}`
      return fields.map((field) => (field.name === step.field ? notNull(field, note) : field))
    }
    case 'band': {
      const { node, nullable } = top(step.from)
      if ((node.kind !== 'int' && node.kind !== 'long') || node.logical !== undefined) {
        throw wrong(`${step.from} must be an int or a long`)
      }
      const bounds = step.bands.map(({ below }) => below)
      const ascending = bounds.every((below, i) => {
        if (i === bounds.length - 1) return below === undefined
        return below !== undefined && Number.isSafeInteger(below) && (i === 0 || below > bounds[i - 1]!)
      })
      if (!ascending || bounds.length === 0) {
        throw wrong('bands have ascending whole bounds, and only the last has none')
      }
      return add(step.as, nullable ? ['null', 'string'] : 'string', `Band of ${step.from}.`)
    }
    case 'flag':
      check(step.when)
      return add(step.as, 'boolean', `Whether ${step.when.field} meets a condition.`)
    case 'keep':
      check(step.when)
      return [...fields]
    case 'drop':
      top(step.field)
      return fields.filter((field) => field.name !== step.field)
  }
}

/** The field without null. `instead` says what stands for it. */
function notNull({ name, type, doc }: FieldJson, instead: string): FieldJson {
  const branches = Array.isArray(type) ? type.filter((branch) => branch !== 'null') : [type]
  return { name, type: branches[0]!, doc: `${doc === undefined ? '' : `${doc} `}When missing: ${instead}.` }
}

/** A scalar type as JSON of its own: named types get another name, as a name may be defined once. */
function scalarJson(node: AvroNode, as: string): AvroSchema | undefined {
  const logical = logicalOf(node)
  const more =
    logical === undefined
      ? {}
      : logical.name === 'decimal'
        ? { logicalType: 'decimal', precision: logical.precision, scale: logical.scale }
        : { logicalType: logical.name }
  switch (node.kind) {
    case 'enum':
      return { type: 'enum', name: `${shortName(node.name)}_${as}`, symbols: node.symbols }
    case 'fixed':
      return { type: 'fixed', name: `${shortName(node.name)}_${as}`, size: node.size, ...more }
    case 'record':
    case 'array':
    case 'map':
      return undefined
    case 'union': {
      const inner = withoutNull(node)
      return inner === undefined ? undefined : scalarJson(inner.node, as)
    }
    default:
      return logical === undefined ? node.kind : { type: node.kind, ...more }
  }
}
