import { join } from 'node:path'
import { countBrokers, formatKafka, kafkaLaunch, serverProperties, type Service } from '@sluice-tools/services'

/** How long the group waits for a member that is silent, ms. The broker's default of 45 s would make every zombie a long wait. */
export const sessionMs = 2500

/**
 * Kafka as `@sluice-tools/services` starts it, with short sessions and a second listener. That one tells clients to come to
 * port `front`, where nobody listens until a proxy does that passes on to `behind`: so every connection of a worker, also
 * those to addresses that the broker hands out, goes through the proxy.
 */
export const chaosKafka: Service = {
  name: 'kafka',
  ports: ['broker', 'controller', 'behind', 'front'],
  healthyWithinMs: 90_000,
  nativeOnly: true,
  async launch({ cache, dataFolder, ports }) {
    const { broker, controller, behind, front } = ports
    const plain = serverProperties(broker!, controller!, join(dataFolder, 'log'))
    await formatKafka(cache, dataFolder, {
      ...plain,
      listeners: `${plain.listeners},PROXIED://127.0.0.1:${behind}`,
      'advertised.listeners': `${plain['advertised.listeners']},PROXIED://127.0.0.1:${front}`,
      'listener.security.protocol.map': `${plain['listener.security.protocol.map']},PROXIED:PLAINTEXT`,
      'inter.broker.listener.name': 'PLAINTEXT',
      'group.consumer.min.session.timeout.ms': 1000,
      'group.consumer.session.timeout.ms': sessionMs,
      'group.consumer.min.heartbeat.interval.ms': 100,
      'group.consumer.heartbeat.interval.ms': 400,
      'group.min.session.timeout.ms': 1000,
    })
    return kafkaLaunch(cache, dataFolder, true)
  },
  async probe({ broker, behind }) {
    for (const port of [broker!, behind!]) {
      if ((await countBrokers('127.0.0.1', port)) < 1) throw new Error('the broker knows no broker yet')
    }
  },
  environment: ({ broker, behind, front }) => ({
    KAFKA_BROKERS: `127.0.0.1:${broker}`,
    KAFKA_BEHIND_PORT: String(behind),
    KAFKA_FRONT_PORT: String(front),
  }),
}
