import { join } from 'node:path'
import type { OpenRegistry } from '@sluice/app-kit'
import { createFileRegistry, createHttpRegistry } from '@sluice/schemas'
import type { OnPremConfig } from '../config.ts'

export function usesHttpRegistry({ registry }: Pick<OnPremConfig, 'registry'>): boolean {
  return registry.url !== undefined
}

export function openRegistry({
  registry: { url, username, password },
  dataDir,
}: Pick<OnPremConfig, 'registry' | 'dataDir'>): OpenRegistry {
  if (url === undefined) {
    return { registry: createFileRegistry(join(dataDir, 'registry')), close: () => Promise.resolve() }
  }
  const auth =
    username !== undefined && password !== undefined ? { auth: { kind: 'basic' as const, username, password } } : {}
  const registry = createHttpRegistry({ url, ...auth })
  return {
    registry,
    close() {
      registry.close()
      return Promise.resolve()
    },
  }
}
