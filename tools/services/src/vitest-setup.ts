import { claimInstance } from './control.ts'
import { stopServices } from './instance.ts'
import { sharedInstanceVariable } from './test-services.ts'

/** vitest's global setup: gives the run an instance of services to share, empty at first, unless the program around it gave one. */
export default function setup(): (() => Promise<void>) | undefined {
  if (process.env[sharedInstanceVariable]) return undefined
  const instance = `test-${process.pid}`
  process.env[sharedInstanceVariable] = instance
  claimInstance({ instance })
  return async () => {
    await stopServices({ instance })
  }
}
