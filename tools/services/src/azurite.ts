import { createRequire } from 'node:module'
import { ServiceError } from './errors.ts'
import type { Service } from './service.ts'

/** The account and key that every Azurite has; published, no secret. */
const account = 'devstoreaccount1'
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

/** Azurite from npm: Azure's blob service. */
export const azurite: Service = {
  name: 'azurite',
  ports: ['blob'],
  healthyWithinMs: 60_000,
  nativeOnly: true,
  launch({ dataFolder, ports }) {
    let program: string
    try {
      program = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js')
    } catch (error) {
      const text = 'azurite is needed; it is a development dependency of this repository: make install'
      throw new ServiceError('SERVICE_PREREQUISITE', text, { cause: error })
    }
    const address = ['--blobHost', '127.0.0.1', '--blobPort', String(ports.blob)]
    return Promise.resolve({
      program: process.execPath,
      args: [program, ...address, '--location', dataFolder, '--silent', '--skipApiVersionCheck', '--disableTelemetry'],
      env: {},
    })
  },
  async probe({ blob }) {
    // Without a signature it must refuse, and in the words of the service.
    const answer = await fetch(`${blobUrl(blob!)}?comp=list`, { signal: AbortSignal.timeout(5_000) })
    const text = await answer.text()
    if (answer.status !== 403 || !text.includes('<Code>'))
      throw new Error(`Azurite answers with status ${answer.status}, expected a refusal`)
  },
  environment: ({ blob }) => ({
    AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${blobUrl(blob!)};`,
  }),
}

const blobUrl = (port: number) => `http://127.0.0.1:${port}/${account}`
