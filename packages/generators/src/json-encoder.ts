import type { AvroNode } from '@sluice/schemas'
import type { Row } from './domain.ts'
import type { JsonStyle } from './json-style.ts'
import { decimalScale, timestampUnit } from './schema-fields.ts'

/** Text that stands for a value as it is; only where faults are made. */
export class RawJson {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Key of a record in a row under which a function turns the members of its object into the object's text. */
export const objectText: unique symbol = Symbol('object text')
export type ObjectText = (members: readonly string[]) => string

/** JSON text of a value. */
export type RenderJson = (value: unknown) => string

/** 0001 to 9999; simulated time never leaves it. */
function isoMillis(ms: number): string {
  return new Date(ms).toISOString()
}

function renderTimestamp(perMs: number, zone: 'Z' | ''): RenderJson {
  return (value) => {
    const units = value as bigint
    const ms = units / BigInt(perMs) - (units % BigInt(perMs) < 0n ? 1n : 0n)
    const rest = units - ms * BigInt(perMs)
    const digits = perMs === 1 ? '' : String(rest).padStart(Math.round(Math.log10(perMs)), '0')
    return `"${isoMillis(Number(ms)).slice(0, -1)}${digits}${zone}"`
  }
}

const plainText = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/

function renderText(value: unknown): string {
  const text = value as string
  return plainText.test(text) ? `"${text}"` : JSON.stringify(text)
}

function renderDouble(value: unknown): string {
  const n = value as number
  if (!Number.isFinite(n)) throw new TypeError('json: a simulated number must be finite')
  return Object.is(n, -0) ? '-0' : String(n)
}

/**
 * Compiles the JSON text of values of a schema. Properties that a row does not have are left out; null is written as null.
 * @param raw takes `RawJson` and `objectText` where a value or record stands; slower
 */
export function compileJson(node: AvroNode, style: JsonStyle, raw: boolean): RenderJson {
  const render = compileNode(node, style, raw)
  return raw ? (value) => (value instanceof RawJson ? value.text : render(value)) : render
}

function compileNode(node: AvroNode, style: JsonStyle, raw: boolean): RenderJson {
  switch (node.kind) {
    case 'null':
      return () => 'null'
    case 'boolean':
      return (value) => (value === true ? 'true' : 'false')
    case 'int':
      if (node.logical?.name === 'date') return (value) => `"${isoMillis((value as number) * 86_400_000).slice(0, 10)}"`
      return String
    case 'long': {
      const unit = timestampUnit(node)
      if (unit === undefined || style.times === 'epoch') return String
      return renderTimestamp(unit.perMs, node.logical!.name.startsWith('local-') ? '' : 'Z')
    }
    case 'float':
    case 'double':
      return renderDouble
    case 'string':
    case 'enum':
      return renderText
    case 'bytes':
    case 'fixed':
      if (decimalScale(node) !== undefined) {
        return style.decimals === 'string' ? (value) => `"${value as string}"` : (value) => value as string
      }
      return (value) => `"${Buffer.from(value as Uint8Array).toString('base64')}"`
    case 'array': {
      const item = compileJson(node.items, style, raw)
      return (value) => `[${(value as unknown[]).map(item).join(',')}]`
    }
    case 'map': {
      const item = compileJson(node.values, style, raw)
      return (value) =>
        `{${Object.entries(value as Row)
          .map(([key, each]) => `${renderText(key)}:${item(each)}`)
          .join(',')}}`
    }
    case 'union': {
      const present = node.branches.filter((branch) => branch.kind !== 'null')
      if (present.length !== 1) throw new TypeError('union: only [null, type] is simulated')
      const render = compileJson(present[0]!, style, raw)
      return (value) => (value === null ? 'null' : render(value))
    }
    case 'record': {
      const names = node.fields.map((field) => field.name)
      const heads = names.map((name) => `${JSON.stringify(name)}:`)
      const renders = node.fields.map((field) => compileJson(field.type, style, raw))
      const membersOf = (row: Row): string[] => {
        const members: string[] = []
        for (let i = 0; i < names.length; i++) {
          const value = row[names[i]!]
          if (value !== undefined) members.push(heads[i]! + renders[i]!(value))
        }
        return members
      }
      if (!raw) {
        return (value) => {
          const row = value as Row
          let text = ''
          for (let i = 0; i < names.length; i++) {
            const each = row[names[i]!]
            if (each !== undefined) text += (text === '' ? '{' : ',') + heads[i]! + renders[i]!(each)
          }
          return text === '' ? '{}' : text + '}'
        }
      }
      return (value) => {
        const edit = (value as { [objectText]?: ObjectText })[objectText]
        const members = membersOf(value as Row)
        return edit === undefined ? `{${members.join(',')}}` : edit(members)
      }
    }
  }
}

/** Fills in null for properties that are left out, records inside records included: the row as it is read. */
export function compileComplete(node: AvroNode): (value: unknown) => unknown {
  switch (node.kind) {
    case 'union': {
      const present = node.branches.find((branch) => branch.kind !== 'null')
      const complete = present === undefined ? (value: unknown) => value : compileComplete(present)
      return (value) => (value === null || value === undefined ? null : complete(value))
    }
    case 'array': {
      const item = compileComplete(node.items)
      return (value) => (value as unknown[]).map(item)
    }
    case 'record': {
      const fields = node.fields.map((field) => [field.name, compileComplete(field.type)] as const)
      return (value) => {
        const row: Row = {}
        for (const [name, complete] of fields) row[name] = complete((value as Row)[name])
        return row
      }
    }
    default:
      return (value) => value
  }
}
