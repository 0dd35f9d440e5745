import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ServiceError } from './errors.ts'

const run = promisify(execFile)

/** PEM files of a small authority for tests. */
export interface Certificates {
  /** The certificate that vouches for the server and the client. */
  readonly ca: string
  /** The certificate of another authority, which vouches for nobody here. */
  readonly strangerCa: string
  /** Private key and certificate of the server in one file. */
  readonly serverBundle: string
  readonly clientCertificate: string
  readonly clientKey: string
}

/**
 * Makes an authority, a server certificate for 127.0.0.1 and localhost, and a client certificate, good for 30 days.
 * @throws {ServiceError} SERVICE_PREREQUISITE without openssl
 */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const at = (name: string) => join(folder, name)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const authority = (name: string) =>
    openssl(
      ['req', '-x509', ...newKey, '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)].concat([
        '-days',
        '30',
        '-subj',
        `/CN=sluice ${name}`,
      ]),
    )
  await authority('ca')
  await authority('stranger-ca')
  writeFileSync(at('server.ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n')
  writeFileSync(at('client.ext'), 'extendedKeyUsage=clientAuth\n')
  for (const name of ['server', 'client']) {
    const request = ['req', ...newKey, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`)]
    await openssl([...request, '-subj', `/CN=sluice-${name}`])
    const signed = ['x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key')]
    await openssl([
      ...signed,
      '-CAcreateserial',
      '-out',
      at(`${name}.pem`),
      '-days',
      '30',
      '-extfile',
      at(`${name}.ext`),
    ])
  }
  const bundle = readFileSync(at('server.key'), 'utf8') + readFileSync(at('server.pem'), 'utf8')
  writeFileSync(at('server-bundle.pem'), bundle, { mode: 0o600 })
  return certificatesIn(folder)
}

/** Where `makeCertificates` puts what. */
export function certificatesIn(folder: string): Certificates {
  return {
    ca: join(folder, 'ca.pem'),
    strangerCa: join(folder, 'stranger-ca.pem'),
    serverBundle: join(folder, 'server-bundle.pem'),
    clientCertificate: join(folder, 'client.pem'),
    clientKey: join(folder, 'client.key'),
  }
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', args, { timeout: 60_000 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new ServiceError('SERVICE_PREREQUISITE', 'openssl is needed to make certificates', { cause: error })
  }
}
