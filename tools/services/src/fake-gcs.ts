import { goProgram } from './go.ts'
import type { Service } from './service.ts'

/** Kept equal to infra/compose/fake-gcs.yml by a test. */
export const fakeGcsVersion = '1.56.1'

/** fake-gcs-server: the JSON API of Google Cloud Storage, objects in memory. */
export const fakeGcs: Service = {
  name: 'fake-gcs',
  ports: ['http'],
  healthyWithinMs: 60_000,
  async launch({ cache, ports }) {
    const module = `github.com/fsouza/fake-gcs-server@v${fakeGcsVersion}`
    const program = await goProgram(cache, `fake-gcs-server-${fakeGcsVersion}`, module, 'fake-gcs-server')
    const at = `127.0.0.1:${ports.http}`
    return {
      program,
      // Resumable uploads go on at the address that the server believes to have.
      args: ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(ports.http)].concat(
        ['-public-host', at, '-external-url', `http://${at}`],
        ['-backend', 'memory', '-log-level', 'warn'],
      ),
      env: {},
    }
  },
  async probe({ http }) {
    const answer = await fetch(`http://127.0.0.1:${http}/storage/v1/b?project=probe`, {
      signal: AbortSignal.timeout(5_000),
    })
    await answer.arrayBuffer()
    if (!answer.ok) throw new Error(`fake-gcs-server answers with status ${answer.status}`)
  },
  environment: ({ http }) => ({ STORAGE_EMULATOR_HOST: `http://127.0.0.1:${http}` }),
}
