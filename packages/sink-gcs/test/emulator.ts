import { testServices } from '@sluice-tools/services'
import { createGcsStore } from '../src/gcs-store.ts'
import type { GcsStoreOptions } from '../src/gcs-options.ts'
import type { ObjectStore } from '@sluice/ingest-core'

export const never = new AbortController().signal

/** The fake-gcs-server of this run, with buckets for the asking. */
export interface Emulator {
  readonly endpoint: string
  /** A bucket of this test file; the same for the same name. */
  bucket(name: string): Promise<string>
  store(name: string, more?: Partial<GcsStoreOptions>): Promise<ObjectStore>
  release(): Promise<void>
}

export async function startEmulator(): Promise<Emulator> {
  const services = await testServices(['fake-gcs'])
  const endpoint = services.env['STORAGE_EMULATOR_HOST']!
  const made = new Map<string, Promise<string>>()
  const own = `t${process.pid}-${Date.now().toString(36)}`
  const make = async (name: string): Promise<string> => {
    const bucket = `${own}-${name.toLowerCase()}`
    const answer = await fetch(`${endpoint}/storage/v1/b?project=test`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: bucket }),
    })
    if (!answer.ok) throw new Error(`no bucket ${bucket}: ${await answer.text()}`)
    return bucket
  }
  const emulator: Emulator = {
    endpoint,
    bucket(name) {
      const known = made.get(name) ?? make(name)
      made.set(name, known)
      return known
    },
    async store(name, more) {
      const store = createGcsStore({ bucket: await emulator.bucket(name), endpoint, projectId: 'test', ...more })
      await store.open(never)
      return store
    },
    release: () => services.release(),
  }
  return emulator
}
