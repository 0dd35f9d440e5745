import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { schemaFingerprint } from '../avro/canonical.ts'
import { parseSchema, type SchemaLimits } from '../avro/model.ts'
import {
  checkCompatibility,
  compatibilityModes,
  describeProblem,
  type CompatibilityMode,
} from '../compatibility/check-compatibility.ts'
import type { AvroSchema } from '../contract.ts'
import { SchemaError } from '../errors.ts'
import { hasCode, withFileLock } from './file-lock.ts'
import type { ManagedRegistry, RegisteredSchema, RegistryVerdict, SubjectVersion } from './registry.ts'

export interface FileRegistryOptions {
  /** How long `register` waits for another process before it gives up, ms. Default 10,000. */
  readonly lockWaitMs?: number
  /** Caps on schemas, checked before they are parsed. */
  readonly limits?: Partial<SchemaLimits>
}

interface Entry {
  readonly id: number
  readonly fingerprint: string
  readonly schema: AvroSchema
}

interface RegistryFile {
  readonly format: 'sluice-registry-1'
  readonly schemas: readonly Entry[]
  /** Subject to schema ids, in order of registration. */
  readonly subjects: Readonly<Record<string, readonly number[]>>
  /** Mode by subject; one that is not listed is NONE. */
  readonly modes?: Readonly<Record<string, CompatibilityMode>>
}

const empty: RegistryFile = { format: 'sluice-registry-1', schemas: [], subjects: {} }

/**
 * A schema registry in one file, `<folder>/registry.json`: the embedded default. Ids count from 1 and are never reused.
 * The file is replaced by an atomic rename, so readers see whole states; writers of several processes take turns by a
 * lock file. An unreadable or foreign file is an error, never an empty registry.
 */
export function createFileRegistry(folder: string, options: FileRegistryOptions = {}): ManagedRegistry {
  const file = join(folder, 'registry.json')
  const lockFile = join(folder, 'registry.lock')
  const { lockWaitMs = 10_000, limits = {} } = options
  let turn: Promise<unknown> = Promise.resolve()

  const load = async (signal: AbortSignal | undefined): Promise<RegistryFile> => {
    let text: string
    try {
      text = await readFile(file, { encoding: 'utf8', ...(signal === undefined ? {} : { signal }) })
    } catch (cause) {
      if (hasCode(cause, 'ENOENT')) return empty
      signal?.throwIfAborted()
      throw new SchemaError('REGISTRY_UNAVAILABLE', `cannot read ${file}`, { cause })
    }
    return decodeFile(text, file)
  }

  const save = async (next: RegistryFile): Promise<void> => {
    const draft = `${file}.${process.pid}.draft`
    try {
      const handle = await open(draft, 'w')
      try {
        await handle.writeFile(`${JSON.stringify(next, null, 1)}\n`)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(draft, file)
    } catch (cause) {
      throw new SchemaError('REGISTRY_UNAVAILABLE', `cannot write ${file}`, { cause })
    }
  }

  const registerNow = async (subject: string, schema: AvroSchema, signal: AbortSignal | undefined): Promise<number> => {
    const fingerprint = schemaFingerprint(parseSchema(schema, limits))
    const json = typeof schema === 'string' && /^\s*[{["]/.test(schema) ? (JSON.parse(schema) as AvroSchema) : schema
    const known = await load(signal)
    const there = known.schemas.find((entry) => entry.fingerprint === fingerprint)
    if (there !== undefined && idsOf(known, subject).includes(there.id)) return there.id
    await ensureFolder(folder)
    return withFileLock(lockFile, lockWaitMs, signal, async () => {
      const current = await load(signal)
      const same = current.schemas.find((entry) => entry.fingerprint === fingerprint)
      const id = same?.id ?? current.schemas.reduce((most, entry) => Math.max(most, entry.id), 0) + 1
      const ids = idsOf(current, subject)
      if (same !== undefined && ids.includes(id)) return id
      const { compatible, messages } = verdictOn(current, subject, json)
      if (!compatible) throw new SchemaError('REGISTRY_REFUSED', messages.join('; '), { expected: messages.join('; ') })
      await save({
        ...current,
        schemas: same === undefined ? [...current.schemas, { id, fingerprint, schema: json }] : current.schemas,
        subjects: Object.fromEntries([...Object.entries(current.subjects), [subject, [...ids, id]]]),
      })
      return id
    })
  }

  /** Calls of one process queue up here instead of racing for the lock file. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work)
    turn = next.then(
      () => undefined,
      () => undefined,
    )
    return next
  }

  return {
    async getById(id, signal): Promise<RegisteredSchema | undefined> {
      const current = await load(signal)
      const entry = current.schemas.find((candidate) => candidate.id === id)
      if (entry === undefined) return undefined
      const subjects = Object.keys(current.subjects).filter((subject) => idsOf(current, subject).includes(id))
      return { id, schema: entry.schema, subjects }
    },
    register: (subject, schema, signal) => inTurn(() => registerNow(subject, schema, signal)),
    latest: async (subject, signal) => versionsOf(await load(signal), subject).at(-1),
    subjects: async (signal) => Object.keys((await load(signal)).subjects),
    versions: async (subject, signal) => versionsOf(await load(signal), subject),
    mode: async (subject, signal) => modeOf(await load(signal), subject),
    setMode(subject, mode, signal) {
      if (!compatibilityModes.includes(mode))
        throw new TypeError(`mode must be one of ${compatibilityModes.join(', ')}`)
      return inTurn(async () => {
        await ensureFolder(folder)
        await withFileLock(lockFile, lockWaitMs, signal, async () => {
          const current = await load(signal)
          const modes = Object.fromEntries([...Object.entries(current.modes ?? {}), [subject, mode]])
          await save({ ...current, modes })
        })
      })
    },
    async accepts(subject, schema, signal) {
      parseSchema(schema, limits)
      return verdictOn(await load(signal), subject, schema)
    },
  }
}

function versionsOf(file: RegistryFile, subject: string): SubjectVersion[] {
  return idsOf(file, subject).flatMap((id, i) => {
    const entry = file.schemas.find((candidate) => candidate.id === id)
    return entry === undefined ? [] : [{ id, version: i + 1, schema: entry.schema }]
  })
}

function modeOf({ modes = {} }: RegistryFile, subject: string): CompatibilityMode {
  return Object.hasOwn(modes, subject) ? modes[subject]! : 'NONE'
}

function verdictOn(file: RegistryFile, subject: string, schema: AvroSchema): RegistryVerdict {
  const { compatible, problems } = checkCompatibility(schema, versionsOf(file, subject), modeOf(file, subject))
  return { compatible, messages: problems.map(describeProblem) }
}

function idsOf(file: RegistryFile, subject: string): readonly number[] {
  return Object.hasOwn(file.subjects, subject) ? file.subjects[subject]! : []
}

function decodeFile(text: string, file: string): RegistryFile {
  const corrupt = (cause?: unknown): SchemaError =>
    new SchemaError('REGISTRY_CORRUPT', `${file} is not a registry file; restore it, its ids are in the data`, {
      cause,
    })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw corrupt(cause)
  }
  const candidate = json as Partial<RegistryFile> | null
  const valid =
    typeof candidate === 'object' &&
    candidate?.format === empty.format &&
    Array.isArray(candidate.schemas) &&
    candidate.schemas.every((e: Entry) => Number.isInteger(e.id) && typeof e.fingerprint === 'string') &&
    typeof candidate.subjects === 'object' &&
    Object.values(candidate.subjects).every((ids) => Array.isArray(ids) && ids.every((id) => Number.isInteger(id))) &&
    Object.values(candidate.modes ?? {}).every((mode) => compatibilityModes.includes(mode))
  if (!valid) throw corrupt()
  return candidate as RegistryFile
}

async function ensureFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    throw new SchemaError('REGISTRY_UNAVAILABLE', `cannot create ${folder}`, { cause })
  }
}
