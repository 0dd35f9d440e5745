import { parseSchema, type AvroNode } from '../avro/model.ts'
import type { AvroSchema } from '../contract.ts'
import { SchemaError } from '../errors.ts'
import { avroReadProblems } from './avro-reads.ts'
import { jsonReadProblems } from './json-reads.ts'
import type { ReadProblem } from './problem.ts'

/**
 * What a new schema must be able to do, as schema registries have it: BACKWARD, new readers read old data; FORWARD, old
 * readers read new data; FULL, both. Against the version before it, or TRANSITIVE against all before it.
 */
export const compatibilityModes = [
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
  'NONE',
] as const

export type CompatibilityMode = (typeof compatibilityModes)[number]

/** Who fails to read whom. */
export type ReadDirection = 'new-reads-old' | 'old-reads-new'

export interface CompatibilityProblem extends ReadProblem {
  readonly direction: ReadDirection
  /**
   * Who would have to be deployed first if the change were made all the same. When new readers cannot read old data:
   * `writers`, and readers follow when no old data is left. When old readers cannot read new data: `readers`, all of them.
   */
  readonly deployFirst: 'readers' | 'writers'
  /** The earlier version it is about. */
  readonly version: number
}

export interface CompatibilityReport {
  readonly mode: CompatibilityMode
  readonly compatible: boolean
  /** What the mode forbids. Empty when compatible. */
  readonly problems: readonly CompatibilityProblem[]
  /**
   * The safe order of deployment, judged in both directions against the versions the mode looks at, whatever it asks for:
   * `none` when no order is safe, and the change needs a new topic.
   */
  readonly deployFirst: 'readers' | 'writers' | 'either' | 'none'
}

export interface EarlierVersion {
  readonly version: number
  readonly schema: AvroSchema
}

export interface CompatibilityOptions {
  /** Encoding of the events. Default `avro`. */
  readonly format?: 'avro' | 'json'
  /** For JSON: whether readers pass over fields that they do not know. Default `open`. */
  readonly jsonReaders?: 'open' | 'closed'
}

/**
 * Checks a new schema against earlier versions, ascending. Offline and pure. When it says compatible, all data that one
 * side writes is read by the other, by the columnar decoder and by the row codec.
 * @throws {SchemaError} SCHEMA_INVALID, SCHEMA_TOO_LARGE, SCHEMA_NAMES_CLASH for a schema that is none
 */
export function checkCompatibility(
  next: AvroSchema,
  earlier: readonly EarlierVersion[],
  mode: CompatibilityMode,
  options: CompatibilityOptions = {},
): CompatibilityReport {
  const { format = 'avro', jsonReaders = 'open' } = options
  if (!compatibilityModes.includes(mode)) throw new TypeError(`mode must be one of ${compatibilityModes.join(', ')}`)
  const reads = (writer: AvroNode, reader: AvroNode): ReadProblem[] =>
    format === 'json' ? jsonReadProblems(writer, reader, { readers: jsonReaders }) : avroReadProblems(writer, reader)
  const node = parseSchema(next)
  const scope = mode.endsWith('_TRANSITIVE') ? earlier : earlier.slice(-1)
  const backward: CompatibilityProblem[] = []
  const forward: CompatibilityProblem[] = []
  for (const { version, schema } of scope) {
    const old = parseVersion(schema, version)
    for (const problem of reads(old, node)) {
      backward.push({ ...problem, direction: 'new-reads-old', deployFirst: 'writers', version })
    }
    for (const problem of reads(node, old)) {
      forward.push({ ...problem, direction: 'old-reads-new', deployFirst: 'readers', version })
    }
  }
  const problems = [
    ...(mode.startsWith('BACKWARD') || mode.startsWith('FULL') ? backward : []),
    ...(mode.startsWith('FORWARD') || mode.startsWith('FULL') ? forward : []),
  ]
  const order =
    backward.length === 0 ? (forward.length === 0 ? 'either' : 'readers') : forward.length === 0 ? 'writers' : 'none'
  return { mode, compatible: problems.length === 0, problems, deployFirst: order }
}

function parseVersion(schema: AvroSchema, version: number): AvroNode {
  try {
    return parseSchema(schema)
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    throw new SchemaError(error.code, `version ${version}: ${error.message}`, { path: error.path, cause: error })
  }
}

/** Says one problem to a person: where, what, who cannot read whom, and what would have to happen first. */
export function describeProblem(problem: CompatibilityProblem): string {
  const place = problem.path === '' ? 'the schema' : problem.path
  const who =
    problem.direction === 'new-reads-old'
      ? `new readers cannot read data of version ${problem.version}; writers would have to deploy first, and readers only when no such data is left`
      : `readers of version ${problem.version} cannot read new data; all readers would have to deploy first`
  return `${place}: ${problem.message} [${problem.rule}]: ${who}`
}
