import type { AvroNode, RecordNode } from '../avro/model.ts'
import { SchemaError } from '../errors.ts'

/**
 * Field ids of a contract by path: `lines` 5, `lines.element` 6, `lines.element.price` 9, `extra.key` 10. Kept in
 * `field-ids.json`, which only grows: an id once given belongs to its field for ever, also after the field is gone.
 */
export type FieldIds = Readonly<Record<string, number>>

/**
 * Gives ids to the fields that have none yet, in schema order, above every id ever given. A renamed field keeps the id
 * of its alias.
 */
export function assignFieldIds(record: RecordNode, given: FieldIds): FieldIds {
  const ids = new Map(Object.entries(given))
  let last = Math.max(0, ...ids.values())

  const assign = (path: string, formerPaths: readonly string[]): void => {
    if (ids.has(path)) return
    const former = formerPaths.find((candidate) => ids.has(candidate))
    ids.set(path, former === undefined ? ++last : ids.get(former)!)
  }
  const visit = (node: AvroNode, path: string, formerPaths: readonly string[]): void => {
    const inside = (name: string): readonly string[] => formerPaths.map((former) => `${former}.${name}`)
    if (node.kind === 'union') {
      for (const branch of node.branches) visit(branch, path, formerPaths)
    } else if (node.kind === 'array') {
      assign(`${path}.element`, inside('element'))
      visit(node.items, `${path}.element`, inside('element'))
    } else if (node.kind === 'map') {
      assign(`${path}.key`, inside('key'))
      assign(`${path}.value`, inside('value'))
      visit(node.values, `${path}.value`, inside('value'))
    } else if (node.kind === 'record') {
      visitRecord(
        node,
        `${path}.`,
        formerPaths.map((former) => `${former}.`),
      )
    }
  }
  const visitRecord = (node: RecordNode, prefix: string, formerPrefixes: readonly string[]): void => {
    const fields = node.fields.map((field) => ({
      type: field.type,
      path: `${prefix}${field.name}`,
      formerPaths: [prefix, ...formerPrefixes].flatMap((p) =>
        [field.name, ...field.aliases].map((name) => `${p}${name}`),
      ),
    }))
    // A level gets its ids before what lies inside, so that flat columns keep small, readable ids.
    for (const field of fields) assign(field.path, field.formerPaths)
    for (const field of fields) visit(field.type, field.path, field.formerPaths)
  }
  visitRecord(record, '', [])
  return Object.fromEntries(ids)
}

/** @throws {SchemaError} CONTRACT_INVALID when the text is not a field-ids.json */
export function parseFieldIds(text: string, file: string): FieldIds {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new SchemaError('CONTRACT_INVALID', `${file} is not JSON`, { cause })
  }
  const valid =
    typeof json === 'object' &&
    json !== null &&
    Object.values(json).every((id) => Number.isInteger(id) && (id as number) > 0 && (id as number) < firstLineageId)
  if (!valid) throw new SchemaError('CONTRACT_INVALID', `${file} must map paths to ids from 1 to ${firstLineageId - 1}`)
  return json as FieldIds
}

/** Ids from here on belong to the columns that ingestion adds to every table. */
export const firstLineageId = 1_000_000
