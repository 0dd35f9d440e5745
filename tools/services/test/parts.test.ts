import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apicurioVersion } from '../src/apicurio.ts'
import { makeCertificates } from '../src/certificates.ts'
import { composeEnvironment, findCompose } from '../src/compose.ts'
import { ServiceError, serviceErrors } from '../src/errors.ts'
import { fakeGcsVersion } from '../src/fake-gcs.ts'
import { cacheFolder, instanceFolder } from '../src/folders.ts'
import { goProgram } from '../src/go.ts'
import { services } from '../src/instance.ts'
import { findJava, javaFeatureVersion } from '../src/java.ts'
import { countBrokers } from '../src/kafka-probe.ts'
import { kafkaVersion } from '../src/kafka.ts'
import { ownProcess, withLock } from '../src/lock.ts'
import { mavenArtifacts } from '../src/maven.ts'
import { freePorts } from '../src/ports.ts'
import { findPostgres, postgresMajorVersion, postgresUser } from '../src/postgres-programs.ts'
import { postgresVersion } from '../src/postgres.ts'
import { processStart, startDetached, stopProcess } from '../src/process.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-parts-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A program that prints `output` and ends with `code`, whatever it is asked. */
function program(name: string, output: string, code = 0): string {
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `#!/bin/sh\necho "$@" >> '${folder}/calls'\ncat <<'END'\n${output}\nEND\nexit ${code}\n`)
  chmodSync(file, 0o755)
  return file
}

describe('java', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_402"', 8],
    ['openjdk version "25" 2025-09-16', 25],
    ['command not found', undefined],
  ])('reads %s', (output, version) => expect(javaFeatureVersion(output)).toBe(version))

  it('prefers JAVA_HOME, passes over what is too old, and says what it saw', async () => {
    program('home/bin/java', 'openjdk version "21.0.1"')
    program('path/java', 'openjdk version "17.0.1"')
    const env = { JAVA_HOME: join(folder, 'home'), PATH: `${join(folder, 'path')}:${process.env.PATH}` }
    expect(await findJava(17, env)).toBe(join(folder, 'home/bin/java'))
    expect(await findJava(17, { PATH: env.PATH })).toBe('java')
    await expect(findJava(99, env)).rejects.toThrow(/Java 99 or newer is needed; .*home\/bin\/java is 21, java is 17/)
  })

  it('scans the places of version managers', async () => {
    const java = program('.sdkman/candidates/java/x/bin/java', 'openjdk version "98"')
    expect(await findJava(98, { HOME: folder, PATH: '/usr/bin:/bin' })).toBe(java)
  })
})

describe('processes', () => {
  it('tells a process from another with the same id', () => {
    const own = ownProcess()
    expect(own).toEqual({ pid: process.pid, startedAt: processStart(process.pid) })
    expect(processStart(2 ** 22 + 1)).toBeUndefined()
  })

  it('is firm with one that does not listen', async () => {
    const stubborn = await startDetached(
      process.execPath,
      ['-e', `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')`],
      {
        cwd: folder,
        env: process.env,
        logFile: join(folder, 'log'),
      },
    )
    await expect.poll(() => readFileSync(join(folder, 'log'), 'utf8')).toBe('up\n')
    await stopProcess(stubborn, 300)
    expect(processStart(stubborn.pid)).toBeUndefined()
    await stopProcess(stubborn, 300)
  })

  it('says so when the program does not exist', async () => {
    await expect(
      startDetached(join(folder, 'nothing'), [], { cwd: folder, env: {}, logFile: join(folder, 'log') }),
    ).rejects.toThrow(/ENOENT/)
  })
})

describe('the lock', () => {
  it('is held by one at a time and given back, also after an error', async () => {
    const file = join(folder, 'sub/lock')
    let inside = 0
    const work = async () => {
      expect(++inside).toBe(1)
      await new Promise((done) => setTimeout(done, 20))
      inside--
    }
    await Promise.all(Array.from({ length: 5 }, () => withLock(file, 10_000, work)))
    await expect(withLock(file, 0, () => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
    expect(existsSync(file)).toBe(false)
  })

  it('of a living process is respected, of a dead one taken over', async () => {
    const file = join(folder, 'lock')
    const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(holder, 'spawn')
    writeFileSync(file, JSON.stringify({ pid: holder.pid, startedAt: processStart(holder.pid!) }))
    await expect(withLock(file, 150, () => Promise.resolve(1))).rejects.toMatchObject({ code: 'SERVICE_LOCKED' })
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    expect(await withLock(file, 5_000, () => Promise.resolve(1))).toBe(1)
  })
})

describe('ports and folders', () => {
  it('gives different free ports', async () => {
    const ports = await freePorts(8)
    expect(new Set(ports).size).toBe(8)
    const server = createServer().listen(ports[0], '127.0.0.1')
    await once(server, 'listening')
    server.close()
  })

  it('finds the cache', () => {
    expect(cacheFolder({ SLUICE_CACHE: '/a' })).toBe('/a')
    expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/sluice')
    expect(() => instanceFolder('/c', '..')).toThrow(/SERVICE_UNKNOWN/)
    expect(() => instanceFolder('/c', 'A b')).toThrow(/SERVICE_UNKNOWN/)
  })
})

describe('the Kafka probe', () => {
  const brokerLike = async (answer: (socket: Socket, request: Buffer) => void) => {
    const server = createServer((socket) => socket.on('data', (request) => answer(socket, request)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { port: (server.address() as AddressInfo).port, close: () => server.close() }
  }

  it('asks for metadata version 4 of no topic and reads the number of brokers, in pieces too', async () => {
    const seen: Buffer[] = []
    const broker = await brokerLike((socket, request) => {
      seen.push(request)
      const answer = Buffer.alloc(20)
      answer.writeInt32BE(16, 0)
      answer.writeInt32BE(1, 4)
      answer.writeInt32BE(2, 12)
      socket.write(answer.subarray(0, 9))
      setTimeout(() => socket.end(answer.subarray(9)), 20)
    })
    expect(await countBrokers('127.0.0.1', broker.port)).toBe(2)
    broker.close()
    const client = Buffer.from('sluice-services').toString('hex')
    expect(seen[0]!.toString('hex')).toBe(
      `0000001e${'0003'}${'0004'}${'00000001'}${'000f'}${client}${'00000000'}${'00'}`,
    )
  })

  it('refuses what is no broker, and silence', async () => {
    const web = await brokerLike((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await expect(countBrokers('127.0.0.1', web.port)).rejects.toThrow(/not as a Kafka broker/)
    web.close()
    const mute = await brokerLike(() => undefined)
    await expect(countBrokers('127.0.0.1', mute.port, 100)).rejects.toThrow(/no answer/)
    mute.close()
    const rude = await brokerLike((socket) => socket.destroy())
    await expect(countBrokers('127.0.0.1', rude.port)).rejects.toThrow()
    rude.close()
  })
})

describe('maven', () => {
  it('fills a folder once, whole or not at all', async () => {
    mkdirSync(join(folder, 'artifacts/ready'), { recursive: true })
    expect(await mavenArtifacts(folder, 'ready', ['copy', 'never called'])).toBe(join(folder, 'artifacts/ready'))
    const before = process.env.PATH
    try {
      program('mvn', 'Could not find artifact', 1)
      process.env.PATH = `${folder}:${before}`
      await expect(mavenArtifacts(folder, 'x', ['copy', '-Dout={out}'])).rejects.toMatchObject({
        code: 'SERVICE_DOWNLOAD',
        message: expect.stringContaining('Could not find artifact') as string,
      })
      expect(existsSync(join(folder, 'artifacts/x'))).toBe(false)
      program('mvn', '')
      const filled = await mavenArtifacts(folder, 'x', ['copy', '-Dout={out}'], (aside) => {
        writeFileSync(join(aside, 'a.jar'), '')
        return Promise.resolve()
      })
      expect(existsSync(join(filled, 'a.jar'))).toBe(true)
      expect(readFileSync(join(folder, 'calls'), 'utf8')).toContain(`-Dout=${join(folder, 'artifacts/x.partial')}`)
      process.env.PATH = '/nowhere'
      await expect(mavenArtifacts(folder, 'y', ['copy'])).rejects.toMatchObject({ code: 'SERVICE_PREREQUISITE' })
    } finally {
      process.env.PATH = before
    }
  })
})

describe('go', () => {
  it('builds a program once, whole or not at all', async () => {
    const before = process.env.PATH
    const installs = (script: string) => {
      program('go', '')
      writeFileSync(join(folder, 'go'), `#!/bin/sh\necho "$@" >> '${folder}/calls'\n${script}\n`)
    }
    try {
      process.env.PATH = `${folder}:${before}`
      installs('echo "no such version" >&2; exit 1')
      await expect(goProgram(folder, 'tool-1', 'example.com/tool@v1', 'tool')).rejects.toMatchObject({
        code: 'SERVICE_DOWNLOAD',
        message: expect.stringContaining('no such version') as string,
      })
      installs('exit 0')
      await expect(goProgram(folder, 'tool-1', 'example.com/tool@v1', 'tool')).rejects.toThrow(/made no program tool/)
      expect(existsSync(join(folder, 'artifacts/tool-1'))).toBe(false)
      installs('echo built > "$GOBIN/tool"')
      const both = [1, 2].map(() => goProgram(folder, 'tool-1', 'example.com/tool@v1', 'tool'))
      expect(await Promise.all(both)).toEqual([1, 2].map(() => join(folder, 'artifacts/tool-1/tool')))
      expect(readFileSync(join(folder, 'artifacts/tool-1/tool'), 'utf8')).toBe('built\n')
      expect(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')).toHaveLength(3)
    } finally {
      process.env.PATH = before
    }
  })
})

describe('postgres programs', () => {
  it.each([
    ['postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)', 15],
    ['postgres (PostgreSQL) 18beta1', 18],
    ['command not found', undefined],
  ])('reads %s', (output, version) => expect(postgresMajorVersion(output)).toBe(version))

  it('are found whole, in PATH or in the usual places, new enough; what was seen is said', async () => {
    program('half/initdb', '')
    for (const [name, version] of [
      ['old', 12],
      ['newer', 17],
      ['newest', 99],
    ] as const) {
      program(`${name}/initdb`, '')
      program(`${name}/postgres`, `postgres (PostgreSQL) ${version}.1`)
    }
    const env = { PATH: `${join(folder, 'half')}:${join(folder, 'old')}` }
    expect(await findPostgres(12, env, [])).toBe(join(folder, 'old'))
    expect(await findPostgres(15, env, [join(folder, 'new*'), join(folder, 'half')])).toBe(join(folder, 'newer'))
    await expect(findPostgres(15, env, [])).rejects.toThrow(
      /PostgreSQL 15 or newer is needed.*old has 12.*PREREQUISITE/,
    )
    await expect(findPostgres(15, { PATH: '' }, [])).rejects.toThrow(/none was found/)
  })

  it('run as somebody else when we are root', () => {
    expect(postgresUser(false)).toBeUndefined()
    expect(postgresUser(true)).toMatchObject({ uid: expect.any(Number) as number })
    expect(postgresUser(true)!.uid).toBeGreaterThan(0)
  })
})

describe('certificates', () => {
  it('of the server and the client are signed by the authority, for this machine, and not by the stranger', async () => {
    const made = await makeCertificates(folder)
    const read = (file: string) => new X509Certificate(readFileSync(file))
    const [ca, stranger] = [read(made.ca), read(made.strangerCa)]
    for (const certificate of [read(join(folder, 'server.pem')), read(made.clientCertificate)]) {
      expect(certificate.verify(ca.publicKey)).toBe(true)
      expect(certificate.verify(stranger.publicKey)).toBe(false)
    }
    expect(read(join(folder, 'server.pem')).checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(readFileSync(made.serverBundle, 'utf8')).toMatch(/PRIVATE KEY[^]*BEGIN CERTIFICATE/)
  })
})

describe('compose', () => {
  it('is absent without an engine', async () => {
    expect(await findCompose(join(folder, 'nothing'))).toBeUndefined()
    expect(await findCompose(program('docker', 'Cannot connect to the Docker daemon', 1))).toBeUndefined()
  })

  it('runs the file of the service as a project of its own', async () => {
    const compose = (await findCompose(program('docker', 'abc')))!
    await compose.up('p', 'kafka', { broker: 1 })
    expect(await compose.isRunning('p', 'kafka', { broker: 1 })).toBe(true)
    await compose.signal('p', 'kafka', { broker: 1 }, 'SIGSTOP')
    await compose.start('p', 'kafka', { broker: 1 })
    await compose.down('p', 'kafka', { broker: 1 })
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n').slice(2)
    expect(calls.map((call) => call.replace(/\S+infra/, 'infra'))).toEqual([
      'compose -p p -f infra/compose/kafka.yml up --detach --wait --quiet-pull',
      'compose -p p -f infra/compose/kafka.yml ps --quiet --status running',
      'compose -p p -f infra/compose/kafka.yml kill --signal SIGSTOP',
      'compose -p p -f infra/compose/kafka.yml start --wait',
      'compose -p p -f infra/compose/kafka.yml down --volumes --timeout 15',
    ])
  })

  it.each(Object.values(services).filter((service) => service.nativeOnly !== true))(
    'has a file for $name that reads a port it is given, bound to 127.0.0.1',
    (service) => {
      const text = readFileSync(join(import.meta.dirname, `../../../infra/compose/${service.name}.yml`), 'utf8')
      const read = [...text.matchAll(/\$\{(SLUICE_[A-Z0-9]+_PORT):\?\}/g)].map((match) => match[1]!)
      const given = composeEnvironment(Object.fromEntries(service.ports.map((name) => [name, 1])))
      expect(read.length).toBeGreaterThan(0)
      for (const name of read) expect(given).toHaveProperty(name)
      for (const [, mapping] of text.matchAll(/- '([^']*:\d+)'/g)) expect(mapping).toMatch(/^127\.0\.0\.1:/)
    },
  )

  it('runs the versions that run natively', () => {
    const read = (file: string) => readFileSync(join(import.meta.dirname, '../../..', file), 'utf8')
    expect(read('infra/compose/kafka.yml')).toContain(`image: apache/kafka:${kafkaVersion}\n`)
    expect(read('tools/services/maven/pom.xml')).toContain(`<kafka.version>${kafkaVersion}</kafka.version>`)
    expect(read('infra/compose/apicurio.yml')).toContain(`image: apicurio/apicurio-registry:${apicurioVersion}\n`)
    expect(read('infra/compose/fake-gcs.yml')).toContain(`image: fsouza/fake-gcs-server:${fakeGcsVersion}\n`)
    expect(read('infra/compose/postgres.yml')).toContain(`image: postgres:${postgresVersion}\n`)
  })
})

it('every error code is on the error that carries it, with what to do', () => {
  for (const code of Object.keys(serviceErrors) as (keyof typeof serviceErrors)[]) {
    const error = new ServiceError(code, 'text')
    expect(error.code).toBe(code)
    expect(error.message).toBe(`text [${code}: ${serviceErrors[code]}]`)
  }
})
