import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findJava } from './java.ts'
import { mavenArtifacts } from './maven.ts'
import type { Service } from './service.ts'

/** Kept equal to infra/compose/apicurio.yml by a test. */
export const apicurioVersion = '3.3.3'

const run = promisify(execFile)

/** Apicurio Registry with storage in memory; its Confluent-compatible API is what the environment names. */
export const apicurio: Service = {
  name: 'apicurio',
  ports: ['http', 'management'],
  healthyWithinMs: 120_000,
  async launch({ cache, dataFolder, ports }) {
    const java = await findJava(21)
    const artifact = `io.apicurio:apicurio-registry-app:${apicurioVersion}:tar.gz:all`
    const app = await mavenArtifacts(
      cache,
      `apicurio-${apicurioVersion}`,
      ['copy', `-Dartifact=${artifact}`, '-DoutputDirectory={out}'],
      async (folder) => {
        const archive = join(folder, `apicurio-registry-app-${apicurioVersion}-all.tar.gz`)
        await run('tar', ['-xzf', archive, '-C', folder])
        rmSync(archive)
      },
    )
    return {
      program: java,
      args: [
        '-Xmx384m',
        '-XX:+ExitOnOutOfMemoryError',
        `-Djava.io.tmpdir=${dataFolder}`,
        '-jar',
        join(app, 'quarkus-run.jar'),
      ],
      // Quarkus opens its management port on every interface and always as 9000 unless told otherwise.
      env: {
        QUARKUS_HTTP_HOST: '127.0.0.1',
        QUARKUS_HTTP_PORT: String(ports.http),
        QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
        QUARKUS_MANAGEMENT_PORT: String(ports.management),
      },
    }
  },
  async probe({ http }) {
    const answer = await fetch(`${registryUrl(http!)}/subjects`, { signal: AbortSignal.timeout(5_000) })
    if (!answer.ok) throw new Error(`the registry answers with status ${answer.status}`)
    await answer.json()
  },
  environment: ({ http }) => ({ SCHEMA_REGISTRY_URL: registryUrl(http!) }),
}

const registryUrl = (port: number) => `http://127.0.0.1:${port}/apis/ccompat/v7`
