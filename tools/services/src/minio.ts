import { goProgram } from './go.ts'
import type { Service } from './service.ts'

/** A version of the Go module: MinIO's own release names are no versions to Go. */
export const minioVersion = 'v0.0.0-20260212201848-7aac2a2c5b7c'
const user = 'sluice'
const password = 'sluice-test'

/** MinIO, one disk, with the S3 protocol. Buckets are made by who needs them. */
export const minio: Service = {
  name: 'minio',
  ports: ['s3', 'console'],
  healthyWithinMs: 60_000,
  async launch({ cache, dataFolder, ports }) {
    const module = `github.com/minio/minio@${minioVersion}`
    const program = await goProgram(cache, `minio-${minioVersion}`, module, 'minio')
    const addresses = ['--address', `127.0.0.1:${ports.s3}`, '--console-address', `127.0.0.1:${ports.console}`]
    return {
      program,
      args: ['server', '--quiet', ...addresses, dataFolder],
      env: {
        MINIO_ROOT_USER: user,
        MINIO_ROOT_PASSWORD: password,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
        // Its scanner looks for old uploads and expired objects while tests measure.
        MINIO_SCANNER_SPEED: 'slowest',
      },
    }
  },
  async probe({ s3 }) {
    const answer = await fetch(`http://127.0.0.1:${s3}/minio/health/ready`, { signal: AbortSignal.timeout(5_000) })
    await answer.arrayBuffer()
    if (!answer.ok) throw new Error(`MinIO answers with status ${answer.status}`)
  },
  environment: ({ s3 }) => ({
    S3_ENDPOINT: `http://127.0.0.1:${s3}`,
    S3_REGION: 'us-east-1',
    S3_ACCESS_KEY_ID: user,
    S3_SECRET_ACCESS_KEY: password,
  }),
}
