import { createHttpRegistry } from '@sluice/schemas'
import type { RegisterSchema } from '@sluice/generators'
import { createHttpProxy, createTcpProxy, type HttpProxy, type TcpProxy } from '@sluice-tools/proxies'
import {
  ownServices,
  restartService,
  services,
  signalService,
  testServices,
  type TestServices,
} from '@sluice-tools/services'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { warmUp } from './crew.ts'
import { chaosKafka } from './chaos-kafka.ts'
import type { S3Place } from './lake-view.ts'

/**
 * A broker, and proxies in front of it and of registry and store. Runs use it one after another, with topics and buckets of their
 * own. Several stages stand side by side: no fault strikes at what they share.
 */
export interface Stage {
  /** Past the proxies, for the producer and the auditor. */
  readonly direct: { readonly brokers: readonly string[]; readonly registry: RegisterSchema; readonly s3: S3Place }
  /** Through the proxies, for workers. */
  readonly proxied: {
    readonly brokers: readonly string[]
    readonly registryUrl: string
    readonly s3Endpoint: string
  }
  /** For every worker process. */
  readonly workerEnvironment: Readonly<Record<string, string>>
  readonly kafka: TcpProxy
  readonly store: HttpProxy
  readonly registry: HttpProxy
  signalBroker(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void>
  restartBroker(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Signals and restarts one after another: a broker that hangs cannot end politely. */
  inBrokerTurn(work: () => Promise<void>): Promise<void>
  /** All proxies forward everything again. */
  heal(): void
  close(): Promise<void>
}

/** What stages may share. */
export const sharedServices: readonly string[] = ['apicurio', 'minio']

/** Starts Kafka for this stage alone, as it is killed and hung; registry and MinIO may be those of the test run, or `given`. */
export async function openStage(given?: TestServices): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const own = await ownServices(['kafka'], { catalogue: { ...services, kafka: chaosKafka } })
  opened.defer(() => own.release())
  const shared = given ?? (await testServices(sharedServices))
  if (given === undefined) opened.defer(() => shared.release())
  const { S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, SCHEMA_REGISTRY_URL } = shared.env
  const { KAFKA_BROKERS, KAFKA_BEHIND_PORT, KAFKA_FRONT_PORT } = own.env

  const kafka = await createTcpProxy({
    target: { host: '127.0.0.1', port: Number(KAFKA_BEHIND_PORT) },
    port: Number(KAFKA_FRONT_PORT),
  })
  opened.defer(() => kafka.close())
  const store = await createHttpProxy({ target: S3_ENDPOINT! })
  opened.defer(() => store.close())
  const registry = await createHttpProxy({ target: new URL(SCHEMA_REGISTRY_URL!).origin })
  opened.defer(() => registry.close())
  const direct = createHttpRegistry({ url: SCHEMA_REGISTRY_URL! })
  opened.defer(() => direct.close())

  const cache = await mkdtemp(join(tmpdir(), 'sluice-chaos-cache-'))
  opened.defer(() => rm(cache, { recursive: true, force: true }))
  const workerEnvironment = { NODE_COMPILE_CACHE: cache }
  await warmUp(workerEnvironment)

  let brokerTurn: Promise<unknown> = Promise.resolve()
  const closing = opened.move()
  return {
    direct: {
      brokers: KAFKA_BROKERS!.split(','),
      registry: direct,
      s3: {
        endpoint: S3_ENDPOINT!,
        region: S3_REGION!,
        accessKeyId: S3_ACCESS_KEY_ID!,
        secretAccessKey: S3_SECRET_ACCESS_KEY!,
      },
    },
    proxied: {
      brokers: [`127.0.0.1:${KAFKA_FRONT_PORT}`],
      registryUrl: `${registry.url}${new URL(SCHEMA_REGISTRY_URL!).pathname}`,
      s3Endpoint: store.url,
    },
    workerEnvironment,
    kafka,
    store,
    registry,
    signalBroker: (signal) => signalService('kafka', signal, own.options),
    restartBroker: (signal) => restartService('kafka', { ...own.options, signal }),
    inBrokerTurn(work) {
      const mine = brokerTurn.then(work)
      brokerTurn = mine.catch(() => undefined) // whoever waits for `mine` gets the error
      return mine
    },
    heal() {
      kafka.heal()
      store.heal()
      registry.heal()
    },
    close: () => closing.disposeAsync(),
  }
}
