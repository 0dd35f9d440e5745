import type { InstanceOptions } from './instance.ts'
import { startServices, stopServices } from './instance.ts'

/** Names the instance that all tests of a run share. Set by `make test` and by vitest's global setup; who set it stops the instance. */
export const sharedInstanceVariable = 'SLUICE_TEST_SERVICES'

export interface TestServices {
  readonly env: Readonly<Record<string, string>>
  /** The instance that holds them, for `serviceStatuses` and the like. */
  readonly options: InstanceOptions
  /** Stops them if they are this caller's alone; shared ones stay for the next test. */
  release(): Promise<void>
}

/**
 * Real services for tests. Those of one run share one instance, which whoever began the run stops: the first that needs a service starts
 * it, the others find it running. So use names of your own (topics, buckets, databases) and never stop, pause or restart a shared service.
 * @throws {ServiceError} when one cannot start: a failure, never a skip
 */
export async function testServices(
  names: readonly string[],
  options: Pick<InstanceOptions, 'report' | 'cache' | 'catalogue'> = {},
): Promise<TestServices> {
  const shared = process.env[sharedInstanceVariable]
  if (shared === undefined || shared === '') return ownServices(names, options)
  const at = { ...options, instance: shared }
  return { env: await startServices(names, at), options: at, release: () => Promise.resolve() }
}

let own = 0

/** Services for one test file alone, which may be killed, paused and restarted. */
export async function ownServices(
  names: readonly string[],
  options: Pick<InstanceOptions, 'report' | 'cache' | 'catalogue'> = {},
): Promise<TestServices> {
  const at = { ...options, instance: `own-${process.pid}-${own++}`, owned: true }
  try {
    return {
      env: await startServices(names, at),
      options: at,
      release: async () => {
        await stopServices(at)
      },
    }
  } catch (error) {
    // Those that did start would stay until this process ends.
    await stopServices(at)
    throw error
  }
}
