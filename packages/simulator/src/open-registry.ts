import { readFile } from 'node:fs/promises'
import { createFileRegistry, createHttpRegistry, type RegistryAuth, type SchemaRegistry } from '@sluice/schemas'
import { SimulatorError } from './errors.ts'
import type { RunConfig } from './run-config.ts'

type RegistryWords = Pick<RunConfig, 'registry' | 'registryAccess'>

export interface OpenRegistry {
  readonly registry: SchemaRegistry
  close(): void
}

/** What `--registry` names, without user and password; `undefined` without one. Never throws. */
export function shownRegistry({ registry }: Pick<RunConfig, 'registry'>): string | undefined {
  if (registry === undefined || !isUrl(registry)) return registry
  const url = URL.parse(registry)
  return url === null ? 'a URL that is none' : `${url.protocol}//${url.host}${url.pathname}`
}

/**
 * Opens the registry that `--registry` names, by URL or folder. Nothing is sent yet.
 * @throws {SimulatorError} REGISTRY_INVALID
 */
export async function openRegistry({ registry, registryAccess }: RegistryWords): Promise<OpenRegistry | undefined> {
  if (registry === undefined) return undefined
  if (!isUrl(registry)) return { registry: createFileRegistry(registry), close: () => {} }
  const { caFile, allowPlainAuth } = registryAccess
  const auth = authOf(registryAccess)
  try {
    const client = createHttpRegistry({
      url: registry,
      allowPlainAuth,
      ...(auth === undefined ? {} : { auth }),
      ...(caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') }),
    })
    return { registry: client, close: () => client.close() }
  } catch (cause) {
    throw new SimulatorError('REGISTRY_INVALID', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function authOf({ username, password, token }: RunConfig['registryAccess']): RegistryAuth | undefined {
  if ((username === undefined) !== (password === undefined) || (token !== undefined && username !== undefined)) {
    throw new SimulatorError(
      'REGISTRY_INVALID',
      'registryAccess has either a username with a password, or a token, or none of them',
    )
  }
  if (token !== undefined) return { kind: 'bearer', token }
  return username === undefined || password === undefined ? undefined : { kind: 'basic', username, password }
}

/** A scheme of two letters or more: `C:\registry` is a folder. */
function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text)
}
