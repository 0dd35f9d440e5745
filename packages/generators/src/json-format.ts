import { type AvroSchema, parseSchema } from '@sluice/schemas'
import type { Row } from './domain.ts'
import { compileComplete, compileJson } from './json-encoder.ts'
import type { JsonStyle } from './json-style.ts'
import { jsonDamages } from './json-faults.ts'
import type { ValueFormat } from './value-format.ts'

/** Plain JSON objects, one per record. */
export function createJsonFormat(options: { readonly schema: AvroSchema; readonly style: JsonStyle }): ValueFormat {
  const { schema, style } = options
  const node = parseSchema(schema)
  const render = compileJson(node, style, false)
  const complete = compileComplete(node)
  return {
    encode: (row) => Buffer.from(render(row)),
    read: (row) => complete(row) as Row,
    damages: jsonDamages(schema, style),
  }
}
