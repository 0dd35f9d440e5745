import { schemaFingerprint } from '../avro/canonical.ts'
import { parseSchema, type SchemaLimits } from '../avro/model.ts'
import { compatibilityModes, type CompatibilityMode } from '../compatibility/check-compatibility.ts'
import type { AvroSchema } from '../contract.ts'
import { SchemaError } from '../errors.ts'
import { createTransport, type RegistryAnswer, type TransportOptions } from './http-transport.ts'
import type { ManagedRegistry, RegisteredSchema, RememberingRegistry, SubjectVersion } from './registry.ts'
import { rememberSchemas, type SchemaMemoryOptions } from './schema-memory.ts'
import { inlineReferences } from './schema-references.ts'

export interface HttpRegistryOptions extends TransportOptions {
  /** What is remembered about ids, and how often an unknown one is asked for. `timeoutMs` there is `deadlineMs` here. */
  readonly memory?: Omit<SchemaMemoryOptions, 'timeoutMs'>
  /** Caps on schemas that are registered. */
  readonly limits?: Partial<SchemaLimits>
}

export interface HttpRegistry extends ManagedRegistry, RememberingRegistry {
  /** Closes idle connections. The registry stays usable. */
  close(): void
}

/** The largest id a registry gives out: a signed 32-bit number. */
const largestId = 2 ** 31 - 1
const maxReferences = 100

const schemaUnknown = 40403
const subjectUnknown = 40401
const versionUnknown = 40402
const subjectHasNoMode = 40408

/**
 * A schema registry that speaks Confluent's HTTP API (Confluent, Apicurio at `/apis/ccompat/v7`, Karapace, Redpanda).
 * Answers about ids are remembered as `rememberSchemas` says; a schema once registered is not sent again. What is asked for
 * in vain because the registry, the network or a proxy fails is an error, never an unknown id.
 * @throws {TypeError} for a URL, host or credentials that are refused before anything is sent
 * @see https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
export function createHttpRegistry(options: HttpRegistryOptions): HttpRegistry {
  const transport = createTransport(options)
  const { limits = {}, memory: memoryOptions = {}, deadlineMs = 30_000 } = options
  /** Id by subject and fingerprint. */
  const registered = new Map<string, number>()

  const call = async (
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body: unknown,
    signal: AbortSignal | undefined,
    absent: readonly number[] = [],
  ): Promise<unknown> => {
    const answer = await transport.call(method, path, body, signal)
    if (answer.errorCode === 0) return answer.json
    if (answer.status === 404 && absent.includes(answer.errorCode)) return undefined
    throw refusal(answer, transport.shown)
  }

  const corrupt = (what: string): SchemaError =>
    new SchemaError('REGISTRY_CORRUPT', `${transport.shown}: ${what} is not what its API promises`)

  /** The parts of an answer that must be there; JSON text of a schema stays text. */
  const schemaIn = async (json: unknown, what: string, signal: AbortSignal | undefined): Promise<AvroSchema> => {
    const { schema, references } = fieldsOf(json)
    if (typeof schema !== 'string') throw corrupt(what)
    if (references === undefined || (Array.isArray(references) && references.length === 0)) return schema
    const definitions = new Map<string, unknown>()
    await collectReferences(references, definitions, { left: maxReferences }, signal)
    return inlineReferences(parsed(schema, what), definitions)
  }

  const collectReferences = async (
    references: unknown,
    into: Map<string, unknown>,
    budget: { left: number },
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    if (!Array.isArray(references)) throw corrupt('a list of references')
    for (const reference of references) {
      const { name, subject, version } = fieldsOf(reference)
      if (typeof name !== 'string' || typeof subject !== 'string' || typeof version !== 'number') {
        throw corrupt('a reference')
      }
      if (into.has(name)) continue
      budget.left -= 1
      if (budget.left < 0) throw new SchemaError('SCHEMA_TOO_LARGE', `more than ${maxReferences} referenced schemas`)
      const what = `version ${version} of subject ${JSON.stringify(subject)}`
      const json = await call('GET', `${subjectPath(subject)}/versions/${version}`, undefined, signal)
      const fields = fieldsOf(json)
      if (typeof fields['schema'] !== 'string') throw corrupt(what)
      into.set(name, parsed(fields['schema'], what))
      if (fields['references'] !== undefined) await collectReferences(fields['references'], into, budget, signal)
    }
  }

  const parsed = (text: string, what: string): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      throw corrupt(`the schema of ${what}`)
    }
  }

  const askById = async (id: number, signal?: AbortSignal): Promise<RegisteredSchema | undefined> => {
    if (!Number.isInteger(id) || id < 0 || id > largestId) return undefined
    const json = await call('GET', `/schemas/ids/${id}`, undefined, signal, [schemaUnknown])
    if (json === undefined) return undefined
    const schema = await schemaIn(json, `schema id ${id}`, signal)
    // Versions deleted since count as well: their data is still on the topic.
    const uses = await call('GET', `/schemas/ids/${id}/versions?deleted=true`, undefined, signal, [schemaUnknown])
    if (!Array.isArray(uses)) throw corrupt(`the list of subjects of schema id ${id}`)
    const subjects = uses.map((use) => fieldsOf(use)['subject'])
    if (!subjects.every((subject) => typeof subject === 'string')) {
      throw corrupt(`the list of subjects of schema id ${id}`)
    }
    const { schemaType } = fieldsOf(json)
    return {
      id,
      schema,
      subjects: [...new Set(subjects)],
      ...(typeof schemaType === 'string' && schemaType !== 'AVRO' ? { schemaType } : {}),
    }
  }

  const versionOf = async (
    subject: string,
    version: number | 'latest',
    signal: AbortSignal | undefined,
  ): Promise<SubjectVersion | undefined> => {
    const what = `version ${version} of subject ${JSON.stringify(subject)}`
    const path = `${subjectPath(subject)}/versions/${version}`
    const json = await call('GET', path, undefined, signal, [subjectUnknown, versionUnknown])
    if (json === undefined) return undefined
    const { id, version: number } = fieldsOf(json)
    if (!Number.isInteger(id) || !Number.isInteger(number)) throw corrupt(what)
    return { id: id as number, version: number as number, schema: await schemaIn(json, what, signal) }
  }

  const modeOf = async (subject: string, signal: AbortSignal | undefined): Promise<CompatibilityMode> => {
    const own = `/config/${pathPart(subject)}?defaultToGlobal=true`
    const json =
      (await call('GET', own, undefined, signal, [subjectUnknown, subjectHasNoMode])) ??
      (await call('GET', '/config', undefined, signal))
    const { compatibilityLevel } = fieldsOf(json)
    if (!compatibilityModes.includes(compatibilityLevel as CompatibilityMode)) throw corrupt('the compatibility mode')
    return compatibilityLevel as CompatibilityMode
  }

  const memory = rememberSchemas({ getById: askById }, { ...memoryOptions, timeoutMs: 4 * deadlineMs })

  return {
    get lookups() {
      return memory.lookups
    },
    getById: (id, signal) => memory.getById(id, signal),
    refresh: (id, maxAgeMs, signal) => memory.refresh(id, maxAgeMs, signal),
    async register(subject, schema, signal) {
      const key = `${schemaFingerprint(parseSchema(schema, limits))} ${subject}`
      const known = registered.get(key)
      if (known !== undefined) return known
      const body = { schema: schemaText(schema) }
      const { id } = fieldsOf(await call('POST', `${subjectPath(subject)}/versions`, body, signal))
      if (!Number.isInteger(id)) throw corrupt('the id of a registered schema')
      registered.set(key, id as number)
      return id as number
    },
    latest: (subject, signal) => versionOf(subject, 'latest', signal),
    async subjects(signal) {
      const names = await call('GET', '/subjects', undefined, signal)
      if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
        throw corrupt('the list of subjects')
      }
      return names
    },
    async versions(subject, signal) {
      const path = `${subjectPath(subject)}/versions`
      const numbers = (await call('GET', path, undefined, signal, [subjectUnknown])) ?? []
      if (!Array.isArray(numbers) || !numbers.every((n) => Number.isInteger(n))) throw corrupt('the list of versions')
      const found: SubjectVersion[] = []
      for (const number of (numbers as number[]).sort((a, b) => a - b)) {
        const version = await versionOf(subject, number, signal)
        if (version !== undefined) found.push(version)
      }
      return found
    },
    mode: modeOf,
    async setMode(subject, mode, signal) {
      await call('PUT', `/config/${pathPart(subject)}`, { compatibility: mode }, signal)
    },
    async accepts(subject, schema, signal) {
      parseSchema(schema, limits)
      // Registries differ in whether they heed the mode when they are asked about all versions, so they are asked for what it says.
      const scope = (await modeOf(subject, signal)).endsWith('_TRANSITIVE') ? '' : '/latest'
      const path = `/compatibility${subjectPath(subject)}/versions${scope}?verbose=true`
      const json = await call('POST', path, { schema: schemaText(schema) }, signal, [subjectUnknown, versionUnknown])
      // Nothing is registered yet, so there is nothing to break.
      if (json === undefined) return { compatible: true, messages: [] }
      const { is_compatible: compatible, messages } = fieldsOf(json)
      if (typeof compatible !== 'boolean') throw corrupt('the verdict on a schema')
      const texts = Array.isArray(messages) ? messages.filter((text) => typeof text === 'string') : []
      return { compatible, messages: texts }
    },
    close: () => transport.close(),
  }
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
}

function schemaText(schema: AvroSchema): string {
  return typeof schema === 'string' && /^\s*[{["]/.test(schema) ? schema : JSON.stringify(schema)
}

function subjectPath(subject: string): string {
  return `/subjects/${pathPart(subject)}`
}

/** @throws {TypeError} for names that would become another path */
function pathPart(name: string): string {
  if (name === '' || name === '.' || name === '..' || !name.isWellFormed()) {
    throw new TypeError(`${JSON.stringify(name)} cannot be the name of a subject`)
  }
  return encodeURIComponent(name)
}

/** The registry understood and says no. Its words may repeat the schema, never rows. */
function refusal({ status, errorCode, json }: RegistryAnswer, shown: string): SchemaError {
  const { message } = fieldsOf(json)
  const words = (typeof message === 'string' ? message : '').replace(/\p{Cc}+/gu, ' ').slice(0, 500)
  const text = `${shown}: status ${status}, error ${errorCode}${words === '' ? '' : `: ${words}`}`
  if (status === 404) {
    const hint = errorCode === 404 ? '; is the path of the URL right?' : ''
    return new SchemaError('REGISTRY_UNAVAILABLE', `${text}${hint}`)
  }
  return new SchemaError('REGISTRY_REFUSED', text)
}
