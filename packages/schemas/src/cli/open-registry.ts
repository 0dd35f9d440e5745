import { readFile } from 'node:fs/promises'
import type { RegistryAuth } from '../registry/http-auth.ts'
import { createFileRegistry } from '../registry/file-registry.ts'
import { createHttpRegistry, type HttpRegistry } from '../registry/http-registry.ts'
import { parseRegistryUrl } from '../registry/registry-url.ts'
import type { ManagedRegistry } from '../registry/registry.ts'
import { CliError } from './cli-error.ts'

/** Environment variables by which secrets arrive: never by an argument, which other users of the machine can see. */
export const registryVariables = {
  username: 'SCHEMA_REGISTRY_USERNAME',
  password: 'SCHEMA_REGISTRY_PASSWORD',
  token: 'SCHEMA_REGISTRY_TOKEN',
} as const

export interface RegistryFlags {
  /** PEM file of the authorities to trust. */
  readonly ca?: string
  readonly allowPlainAuth?: boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A registry by URL, or by the folder of a file registry. @throws {CliError} */
export async function openRegistry(
  target: string,
  flags: RegistryFlags,
): Promise<{ registry: ManagedRegistry | HttpRegistry; shown: string }> {
  if (!/^https?:\/\//.test(target)) return { registry: createFileRegistry(target), shown: target }
  const auth = authOf(flags.env)
  const ca = flags.ca === undefined ? {} : { ca: await pem(flags.ca) }
  try {
    const registry = createHttpRegistry({
      url: target,
      ...(auth === undefined ? {} : { auth }),
      ...ca,
      allowPlainAuth: flags.allowPlainAuth ?? false,
    })
    return { registry, shown: parseRegistryUrl(target, undefined).shown }
  } catch (error) {
    throw new CliError('usage', error instanceof Error ? error.message : String(error))
  }
}

function authOf(env: RegistryFlags['env']): RegistryAuth | undefined {
  const { username, password, token } = registryVariables
  if (env[token]) return { kind: 'bearer', token: env[token] }
  if (env[username]) return { kind: 'basic', username: env[username], password: env[password] ?? '' }
  return undefined
}

async function pem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new CliError('usage', `cannot read the certificates ${file}`, { cause })
  }
}
