import { z } from 'zod'
import { SchemaError } from '../errors.ts'
import type { ContractSet } from './contract-set.ts'

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const lockedContract = z.strictObject({
  format: z.enum(['avro', 'json']),
  topic: z.string().optional(),
  key: z.array(z.string()).optional(),
  /** Digest of `contract.json` at the last release: it may change, but not without a word. */
  settings: digest.optional(),
  /** Digest of each released version. */
  versions: z.record(z.string().regex(/^[1-9]\d*$/), digest),
  fieldIds: z.record(z.string(), z.int()),
})
const lockFile = z.strictObject({
  format: z.literal('sluice-released-1'),
  contracts: z.record(z.string(), lockedContract),
})

/** What has been released, kept beside the contracts, so that every clone knows it. */
export type ReleasedLock = z.infer<typeof lockFile>

export const emptyLock: ReleasedLock = { format: 'sluice-released-1', contracts: {} }

/** @throws {SchemaError} CONTRACT_INVALID */
export function parseLock(text: string, file: string): ReleasedLock {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new SchemaError('CONTRACT_INVALID', `${file} is not JSON`, { cause })
  }
  const result = lockFile.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new SchemaError('CONTRACT_INVALID', `${file}, ${issue.path.join('.')}: ${issue.message}`)
}

/** The lock after a release of all that is in `contracts`. What was released before stays as it was. */
export function lockContracts(contracts: ContractSet, before: ReleasedLock): ReleasedLock {
  const entries = new Map(Object.entries(before.contracts))
  for (const { name, format, topic, key, versions, fieldIds, settings } of contracts.values()) {
    const released = entries.get(name)
    entries.set(name, {
      format: released?.format ?? format,
      ...optional('topic', released === undefined ? topic : released.topic),
      ...optional('key', released === undefined ? key?.slice() : released.key),
      ...optional('settings', settings),
      versions: {
        ...Object.fromEntries(versions.map(({ version, digest: value }) => [String(version), value])),
        ...released?.versions,
      },
      fieldIds: { ...fieldIds, ...released?.fieldIds },
    })
  }
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
  return { format: 'sluice-released-1', contracts: Object.fromEntries(sorted) }
}

/** What `later` no longer says as `earlier` did: a lock only grows. Texts for people; empty when it has. */
export function lockLosses(earlier: ReleasedLock, later: ReleasedLock): string[] {
  return Object.entries(earlier.contracts).flatMap(([name, was]) => {
    const is = later.contracts[name]
    if (is === undefined) return [`${name} is no longer listed as released`]
    const versions = Object.entries(was.versions)
      .filter(([version, value]) => is.versions[version] !== value)
      .map(([version]) => `version ${version} of ${name} is listed with another digest, or not at all`)
    const ids = Object.entries(was.fieldIds)
      .filter(([path, id]) => is.fieldIds[path] !== id)
      .map(([path]) => `the field id of ${path} of ${name} is listed with another value, or not at all`)
    const rest =
      is.format === was.format && is.topic === was.topic && String(is.key) === String(was.key)
        ? []
        : [`format, topic or key of ${name} is listed otherwise`]
    return [...versions, ...ids, ...rest]
  })
}

/** What a release of `contracts` would change for their users, as far as the lock knows. Texts for people. */
export function unreleasedChanges(contracts: ContractSet, lock: ReleasedLock): string[] {
  return [...contracts.values()].flatMap(({ name, versions, settings }) => {
    const released = lock.contracts[name]
    if (released === undefined) return [`${name} is new`]
    const added = versions.filter(({ version }) => released.versions[version] === undefined)
    return [
      ...added.map(({ version }) => `${name} v${version} is new`),
      ...(released.settings === settings ? [] : [`contract.json of ${name} changed`]),
    ]
  })
}

export function lockText(lock: ReleasedLock): string {
  return `${JSON.stringify(lock, null, 2)}\n`
}

function optional<K extends string, V>(key: K, value: V | undefined): { [name in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [name in K]: V })
}
