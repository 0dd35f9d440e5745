import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { avscTypeOf } from '../codec/avsc-type.ts'
import { compileToRow } from '../codec/to-row.ts'
import { parseSchema, type RecordNode } from '../avro/model.ts'
import type { AvroSchema, Contract, Rule } from '../contract.ts'
import { SchemaError } from '../errors.ts'
import { freezeDeep } from '../freeze.ts'
import { checkContract, checkTogether } from './check.ts'
import { parseContractFile, parseDuration } from './contract-file.ts'
import { assignFieldIds, parseFieldIds, type FieldIds } from './field-ids.ts'
import { findField, logicalOf } from './field-path.ts'
import { recordOf } from './record.ts'

/**
 * Reads all contracts of a folder laid out as `<domain>/<Event>/{v<N>.avsc, contract.json, field-ids.json}`, checks them,
 * and returns them by name. Field ids that `field-ids.json` lacks are assigned, as the generator will write them.
 * @throws {SchemaError} CONTRACT_INVALID, SCHEMA_INVALID, SCHEMA_INCOMPATIBLE, SCHEMA_NAMES_CLASH
 */
export async function loadContracts(folder: string): Promise<Contract[]> {
  const contracts: Contract[] = []
  for (const domain of await subfolders(folder)) {
    for (const event of await subfolders(join(folder, domain))) {
      contracts.push(await loadContract(join(folder, domain, event), domain, event))
    }
  }
  checkTogether(contracts)
  return contracts
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

async function loadContract(folder: string, domain: string, event: string): Promise<Contract> {
  const files = new Set(await readdir(folder))
  const file = join(folder, 'contract.json')
  const versions = await loadVersions(folder, [...files])
  const schema = versions.at(-1)!.schema
  const record = recordOf(schema, folder)
  if (record.name.slice(record.name.lastIndexOf('.') + 1) !== event) {
    throw new SchemaError('CONTRACT_INVALID', `${folder} holds the record ${record.name}; folder and record must agree`)
  }
  checkVersions(versions, folder)
  const given = parseContractFile(await readFile(file, 'utf8'), file)
  const idsFile = join(folder, 'field-ids.json')
  const known: FieldIds = files.has('field-ids.json') ? parseFieldIds(await readFile(idsFile, 'utf8'), idsFile) : {}
  const contract: Contract = {
    name: `${domain}.${event}`,
    domain,
    event,
    description: given.description,
    topic: given.topic,
    table: given.table,
    format: given.format,
    subject: `${given.topic}-value`,
    versions,
    schema,
    key: given.key,
    ...(given.id === undefined ? {} : { id: given.id }),
    eventTime: given.eventTime,
    eventTimeUnit: eventTimeUnit(record, given.eventTime, given.eventTimeUnit, file),
    latenessMs: parseDuration(given.lateness, file),
    tombstones: given.tombstones,
    partitionBy: given.partitionBy,
    rules: given.rules as readonly Rule[],
    pii: given.pii,
    fieldIds: assignFieldIds(record, known),
  }
  checkContract(contract, record)
  return freezeDeep(contract)
}

async function loadVersions(
  folder: string,
  files: readonly string[],
): Promise<{ version: number; schema: AvroSchema }[]> {
  const numbers = files
    .map((name) => /^v([1-9]\d*)\.avsc$/.exec(name))
    .filter((match) => match !== null)
    .map((match) => Number(match[1]))
    .sort((a, b) => a - b)
  if (numbers.length === 0 || numbers.at(-1) !== numbers.length) {
    throw new SchemaError('CONTRACT_INVALID', `${folder} must hold v1.avsc, v2.avsc, ... without a gap`)
  }
  return Promise.all(
    numbers.map(async (version) => {
      const file = join(folder, `v${version}.avsc`)
      const text = await readFile(file, 'utf8')
      parseSchema(text)
      return { version, schema: JSON.parse(text) as AvroSchema }
    }),
  )
}

/** The latest version is the reader of all earlier ones: whatever was released must stay readable. */
function checkVersions(versions: readonly { version: number; schema: AvroSchema }[], folder: string): void {
  const reader = recordOf(versions.at(-1)!.schema, folder)
  for (const { schema } of versions) {
    const writer = recordOf(schema, folder)
    compileToRow(writer, reader, avscTypeOf(writer))
  }
}

function eventTimeUnit(
  record: RecordNode,
  path: string,
  stated: 'milli' | 'micro' | undefined,
  file: string,
): 'milli' | 'micro' {
  const field = findField(record, path)
  const logical = field === undefined ? undefined : logicalOf(field.node)?.name
  const natural = logical === 'timestamp-millis' ? 'milli' : logical === 'timestamp-micros' ? 'micro' : undefined
  const unit = natural ?? (field?.node.kind === 'long' && logical === undefined ? stated : undefined)
  if (unit === undefined || (natural !== undefined && stated !== undefined && stated !== natural)) {
    const text = 'must be a timestamp in ms or us, or a plain long with eventTimeUnit'
    throw new SchemaError('CONTRACT_INVALID', `${file}, eventTime: ${text}`, { path: 'eventTime', expected: text })
  }
  return unit
}
