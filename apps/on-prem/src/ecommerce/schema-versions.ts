import { arrowSchemaOf, schemaFingerprint, type Contract, type SchemaRegistry } from '@sluice/schemas'

/**
 * The released version of the contract that the registry holds as its newest, or `undefined` when it has none. Versions
 * are told apart by fingerprint: numbers are each registry's own.
 * @throws TypeError when the newest schema in the registry is none of the contract's
 */
export async function registeredVersion(
  registry: SchemaRegistry,
  contract: Contract,
  signal: AbortSignal,
): Promise<{ readonly version: number; readonly id: number } | undefined> {
  const latest = await registry.latest(contract.subject, signal)
  if (latest === undefined) return undefined
  const version = versionOf(contract, latest.schema)
  if (version === undefined) {
    throw new TypeError(
      `the newest schema of ${contract.subject} (id ${latest.id}) is no released version of ${contract.name}`,
    )
  }
  return { version, id: latest.id }
}

/** Number of the released version that a schema is, by fingerprint. */
export function versionOf(contract: Contract, schema: Contract['schema']): number | undefined {
  const parsed =
    typeof schema === 'string' && schema.startsWith('{') ? (JSON.parse(schema) as Contract['schema']) : schema
  const fingerprint = schemaFingerprint(parsed)
  return contract.versions.find((each) => schemaFingerprint(each.schema) === fingerprint)?.version
}

/** The contract as an application had it that was built before the later versions were released. */
export function contractAsOf(contract: Contract, version: number): Contract {
  const versions = contract.versions.filter((each) => each.version <= version)
  const { schema } = versions.at(-1)!
  const names = new Set(arrowSchemaOf({ ...contract, versions, schema }).fields.map(({ name }) => name))
  const rules = contract.rules.filter(({ field }) => names.has(field.split(/[.[]/)[0]!))
  return { ...contract, versions, schema, rules }
}
