import { BlobServiceClient } from '@azure/storage-blob'
import type { ObjectStore } from '@sluice/ingest-core'
import { testServices } from '@sluice-tools/services'
import type { AdlsStoreOptions } from '../src/adls-options.ts'
import { createAdlsStore } from '../src/adls-store.ts'

export const never = new AbortController().signal

/** The Azurite of this run, with containers for the asking. */
export interface Azurite {
  /** The connection string, with another address of the service when given. */
  connection(url?: string): string
  readonly url: string
  /** A container of this test file; the same for the same name. */
  container(name: string): Promise<string>
  store(name: string, more?: Partial<AdlsStoreOptions>): Promise<ObjectStore>
  release(): Promise<void>
}

export async function startAzurite(): Promise<Azurite> {
  const services = await testServices(['azurite'])
  const given = services.env['AZURE_STORAGE_CONNECTION_STRING']!
  const client = BlobServiceClient.fromConnectionString(given)
  const { origin } = new URL(client.url)
  const made = new Map<string, Promise<string>>()
  const own = `t${process.pid}-${Date.now().toString(36)}`
  const azurite: Azurite = {
    url: origin,
    connection: (url = origin) => given.replace(origin, url),
    container(name) {
      const container = `${own}-${name.toLowerCase()}`
      const known = made.get(name) ?? client.createContainer(container).then(() => container)
      made.set(name, known)
      return known
    },
    async store(name, more) {
      const container = await azurite.container(name)
      const store = createAdlsStore({ container, connectionString: azurite.connection(), ...more })
      await store.open(never)
      return store
    },
    release: () => services.release(),
  }
  return azurite
}
