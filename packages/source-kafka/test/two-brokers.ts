import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import {
  countBrokers,
  formatKafka,
  kafkaLaunch,
  ownServices,
  restartService,
  signalService,
  type Service,
  type TestServices,
} from '@sluice-tools/services'

/** Two brokers and a controller of one cluster, each a process of its own: leaders and coordinators can move. */
export interface TwoBrokers {
  readonly addresses: readonly string[]
  /** SIGKILL. */
  kill(id: BrokerId): Promise<void>
  /** Over the data it had. */
  start(id: BrokerId): Promise<void>
  release(): Promise<void>
}

export type BrokerId = 2 | 3

/** A dead broker is given up after this long, ms. */
const brokerSessionMs = 2000

export async function startTwoBrokers(settings: Readonly<Record<string, string | number>> = {}): Promise<TwoBrokers> {
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`
  await using opened = new AsyncDisposableStack()
  const own = async (service: Service): Promise<TestServices> => {
    const started = await ownServices([service.name], { catalogue: { [service.name]: service } })
    opened.defer(() => started.release())
    return started
  }
  const controller = await own(controllerOf(clusterId))
  const quorum = controller.env['KAFKA_CONTROLLER']!
  const nodes = await Promise.all(([2, 3] as const).map((id) => own(brokerOf(id, clusterId, quorum, settings))))
  const closing = opened.move()
  const optionsOf = (id: BrokerId) => nodes[id - 2]!.options
  return {
    addresses: nodes.map(({ env }) => env['KAFKA_BROKER']!),
    kill: (id) => signalService(`kafka-${id}`, 'SIGKILL', optionsOf(id)),
    start: (id) => restartService(`kafka-${id}`, optionsOf(id)),
    release: () => closing.disposeAsync(),
  }
}

function controllerOf(clusterId: string): Service {
  return {
    name: 'kafka-1',
    ports: ['controller'],
    healthyWithinMs: 90_000,
    nativeOnly: true,
    async launch({ cache, dataFolder, ports }) {
      const own = {
        'process.roles': 'controller',
        listeners: `CONTROLLER://127.0.0.1:${ports['controller']}`,
        'broker.session.timeout.ms': brokerSessionMs,
        ...nodeSettings(1, `127.0.0.1:${ports['controller']}`, dataFolder),
      }
      await formatKafka(cache, dataFolder, own, [], clusterId)
      return kafkaLaunch(cache, dataFolder, true)
    },
    async probe({ controller }) {
      const socket = connect(controller!, '127.0.0.1')
      try {
        await once(socket, 'connect')
      } finally {
        socket.destroy()
      }
    },
    environment: ({ controller }) => ({ KAFKA_CONTROLLER: `127.0.0.1:${controller}` }),
  }
}

function brokerOf(
  id: BrokerId,
  clusterId: string,
  quorum: string,
  settings: Readonly<Record<string, string | number>>,
): Service {
  return {
    name: `kafka-${id}`,
    ports: ['broker'],
    healthyWithinMs: 90_000,
    nativeOnly: true,
    async launch({ cache, dataFolder, ports }) {
      const address = `PLAINTEXT://127.0.0.1:${ports['broker']}`
      const own = {
        'process.roles': 'broker',
        listeners: address,
        'advertised.listeners': address,
        'broker.heartbeat.interval.ms': 300,
        'auto.create.topics.enable': 'false',
        'min.insync.replicas': 1,
        'offsets.topic.replication.factor': 2,
        'offsets.topic.num.partitions': 4,
        'transaction.state.log.replication.factor': 2,
        'transaction.state.log.min.isr': 1,
        'group.initial.rebalance.delay.ms': 0,
        ...settings,
        ...nodeSettings(id, quorum, dataFolder),
      }
      await formatKafka(cache, dataFolder, own, [], clusterId)
      return kafkaLaunch(cache, dataFolder, true)
    },
    async probe({ broker }) {
      // The other one may be down; this one answers when it knows itself.
      if ((await countBrokers('127.0.0.1', broker!)) < 1) throw new Error('the broker knows no broker yet')
    },
    environment: ({ broker }) => ({ KAFKA_BROKER: `127.0.0.1:${broker}` }),
  }
}

function nodeSettings(id: number, quorum: string, dataFolder: string) {
  return {
    'node.id': id,
    'controller.quorum.voters': `1@${quorum}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(dataFolder, 'log'),
  }
}
