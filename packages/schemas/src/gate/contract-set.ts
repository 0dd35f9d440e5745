import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import { parseSchema } from '../avro/model.ts'
import { compatibilityModes, type CompatibilityMode } from '../compatibility/check-compatibility.ts'
import type { AvroSchema } from '../contract.ts'
import { SchemaError } from '../errors.ts'

/** One version of a contract as it lies in a file. */
export interface VersionFile {
  readonly version: number
  /** Where it is, for people. */
  readonly file: string
  readonly text: string
  readonly schema: AvroSchema
  readonly digest: string
}

/** What the gate sees of a contract: its versions, and of `contract.json` what readers depend on. */
export interface ContractFiles {
  /** Folders below the root, joined by dots: `bakery.SalesEvent`. */
  readonly name: string
  /** Where its folder is, for people. */
  readonly folder: string
  readonly format: 'avro' | 'json'
  readonly topic?: string
  readonly key?: readonly string[]
  /** What new versions must be able to do, when the contract says so itself. */
  readonly mode?: CompatibilityMode
  /** Whether readers of its JSON refuse fields they do not know. */
  readonly jsonReaders: 'open' | 'closed'
  /** Ascending. */
  readonly versions: readonly VersionFile[]
  /** Digest of `contract.json`, where there is one. */
  readonly settings?: string
  /** Column ids by path, from `field-ids.json`. */
  readonly fieldIds: Readonly<Record<string, number>>
}

export type ContractSet = ReadonlyMap<string, ContractFiles>

/** The part of `contract.json` that matters here; teams with files of their own need not have one. */
const gateFile = z.looseObject({
  format: z.enum(['avro', 'json']).optional(),
  topic: z.string().optional(),
  key: z.array(z.string()).optional(),
  compatibility: z.enum(compatibilityModes).optional(),
  jsonReaders: z.enum(['open', 'closed']).optional(),
})
const fieldIds = z.record(z.string(), z.int())

const wanted = /^(v[1-9]\d{0,5}\.avsc|contract\.json|field-ids\.json)$/
const maxFileBytes = 4 * 1024 * 1024

/** True for the files that a set of contracts is made of. */
export function isContractFile(path: string): boolean {
  return wanted.test(path.slice(path.lastIndexOf('/') + 1))
}

/**
 * Reads the contracts below a folder: every folder with a `v<N>.avsc` is one.
 * @throws {SchemaError} CONTRACT_INVALID when there is none, or a file cannot be read as what it should be
 */
export async function readContractSet(folder: string, shownAs = folder): Promise<ContractSet> {
  const files = new Map<string, string>()
  let entries
  try {
    entries = await readdir(folder, { recursive: true, withFileTypes: true })
  } catch (cause) {
    throw new SchemaError('CONTRACT_INVALID', `cannot read the folder ${shownAs}`, { cause })
  }
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const inside = relative(folder, path).split(sep).join('/')
    if (!entry.isFile() || !isContractFile(inside) || inside.split('/').includes('node_modules')) continue
    files.set(inside, await readFile(path, 'utf8'))
  }
  return contractSetOf(files, shownAs)
}

/** Makes a set of the texts of files, by path below the root. @throws {SchemaError} CONTRACT_INVALID */
export function contractSetOf(files: ReadonlyMap<string, string>, shownAs: string): ContractSet {
  const folders = new Map<string, Map<string, string>>()
  for (const [path, text] of files) {
    if (!isContractFile(path)) continue
    const cut = path.lastIndexOf('/')
    const folder = cut < 0 ? '' : path.slice(0, cut)
    folders.set(folder, (folders.get(folder) ?? new Map<string, string>()).set(path.slice(cut + 1), text))
  }
  const set = new Map<string, ContractFiles>()
  for (const [folder, texts] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (![...texts.keys()].some((name) => name.endsWith('.avsc'))) continue
    const contract = contractOf(folder, texts, shownAs)
    set.set(contract.name, contract)
  }
  if (set.size === 0) throw new SchemaError('CONTRACT_INVALID', `${shownAs} holds no contract: no file v<N>.avsc`)
  return set
}

function contractOf(folder: string, texts: ReadonlyMap<string, string>, shownAs: string): ContractFiles {
  const shown = (name: string): string =>
    [shownAs, folder, name].filter((part) => part !== '' && part !== '.').join('/')
  const given = texts.get('contract.json')
  const ids = texts.get('field-ids.json')
  const {
    format = 'avro',
    topic,
    key,
    compatibility,
    jsonReaders = 'open',
  } = given === undefined ? {} : parsed(gateFile, given, shown('contract.json'))
  const versions = [...texts]
    .filter(([name]) => name.endsWith('.avsc'))
    .map(([name, text]) => versionOf(Number(name.slice(1, -5)), text, shown(name)))
    .sort((a, b) => a.version - b.version)
  return {
    name: folder === '' ? '.' : folder.replaceAll('/', '.'),
    folder: shown(''),
    format,
    ...(topic === undefined ? {} : { topic }),
    ...(key === undefined ? {} : { key }),
    ...(compatibility === undefined ? {} : { mode: compatibility }),
    jsonReaders,
    versions,
    ...(given === undefined ? {} : { settings: digestOf(given) }),
    fieldIds: ids === undefined ? {} : parsed(fieldIds, ids, shown('field-ids.json')),
  }
}

/** @throws {SchemaError} SCHEMA_INVALID, SCHEMA_TOO_LARGE, SCHEMA_NAMES_CLASH with the file */
export function versionOf(version: number, text: string, file: string): VersionFile {
  if (text.length > maxFileBytes) throw new SchemaError('SCHEMA_TOO_LARGE', `${file} is larger than a schema may be`)
  try {
    parseSchema(text)
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    throw new SchemaError(error.code, `${file}: ${error.message}`, { path: error.path, cause: error })
  }
  return { version, file, text, schema: JSON.parse(text) as AvroSchema, digest: digestOf(text) }
}

/** Digest of what a schema file says, documentation included; how it is laid out does not count. */
export function digestOf(text: string): string {
  return createHash('sha256')
    .update(JSON.stringify(JSON.parse(text)))
    .digest('hex')
}

function parsed<T>(type: z.ZodType<T>, text: string, file: string): T {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new SchemaError('CONTRACT_INVALID', `${file} is not JSON`, { cause })
  }
  const result = type.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new SchemaError('CONTRACT_INVALID', `${file}, ${issue.path.join('.')}: ${issue.message}`)
}
