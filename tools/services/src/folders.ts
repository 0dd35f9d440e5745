import { homedir } from 'node:os'
import { join } from 'node:path'
import { ServiceError } from './errors.ts'

/** Where downloads and running services are kept: `SLUICE_CACHE`, else the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.SLUICE_CACHE) return env.SLUICE_CACHE
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice')
}

/** The folder of one set of services. Names are vetted, since they become paths and project names of Docker Compose. */
export function instanceFolder(cache: string, instance: string): string {
  if (!/^[a-z0-9][a-z0-9_-]{0,40}$/.test(instance)) {
    throw new ServiceError(
      'SERVICE_UNKNOWN',
      `'${instance}' is no name for an instance: small letters, digits, '-' and '_', at most 41`,
    )
  }
  return join(cache, 'run', instance)
}
