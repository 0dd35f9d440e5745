import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findJava } from './java.ts'
import { countBrokers } from './kafka-probe.ts'
import { mavenArtifacts } from './maven.ts'
import type { Service } from './service.ts'

/** Kept equal to tools/services/maven/pom.xml and infra/compose/kafka.yml by a test. */
export const kafkaVersion = '4.3.1'

const run = promisify(execFile)

async function classPath(cache: string): Promise<string> {
  const jars = await mavenArtifacts(cache, `kafka-${kafkaVersion}`, [
    'copy-dependencies',
    '-DincludeScope=runtime',
    '-DoutputDirectory={out}',
  ])
  return join(jars, '*')
}

/** One Apache Kafka node, broker and controller in one (KRaft), listening on 127.0.0.1 only. Topics are not made by asking for them. */
export const kafka: Service = {
  name: 'kafka',
  ports: ['broker', 'controller'],
  healthyWithinMs: 90_000,
  async launch({ cache, dataFolder, ports }) {
    const java = await findJava(17)
    const jars = await classPath(cache)
    const configFile = join(dataFolder, 'server.properties')
    const logFile = join(dataFolder, 'log4j2.properties')
    writeFileSync(configFile, serverProperties(ports.broker!, ports.controller!, join(dataFolder, 'log')))
    writeFileSync(logFile, logProperties)
    const base = [`-Dlog4j2.configurationFile=${logFile}`, '-cp', jars]
    const { stdout } = await run(java, ['-Xmx128m', ...base, 'kafka.tools.StorageTool', 'random-uuid'])
    const clusterId = stdout.trim().split('\n').at(-1)!
    await run(java, ['-Xmx128m', ...base, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', configFile])
    return {
      program: java,
      args: ['-Xms256m', '-Xmx512m', '-XX:+ExitOnOutOfMemoryError', ...base, 'kafka.Kafka', configFile],
      env: {},
    }
  },
  async probe({ broker }) {
    if ((await countBrokers('127.0.0.1', broker!)) < 1) throw new Error('the broker knows no broker yet')
  },
  environment: ({ broker }) => ({ KAFKA_BROKERS: `127.0.0.1:${broker}` }),
}

/**
 * Runs one of Kafka's own command line tools (`org.apache.kafka.tools.TopicCommand` and its kin) and gives what it printed.
 * @throws when it ends with another code than 0; the message holds its output
 */
export async function runKafkaTool(cache: string, mainClass: string, args: readonly string[]): Promise<string> {
  const java = await findJava(17)
  const jars = await classPath(cache)
  try {
    const { stdout } = await run(java, ['-Xmx128m', '-cp', jars, mainClass, ...args], {
      timeout: 60_000,
      maxBuffer: 64 << 20,
    })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${mainClass} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

function serverProperties(broker: number, controller: number, logFolder: string): string {
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${broker}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logFolder,
    'num.partitions': 1,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

const logProperties = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %-5p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.server.name = kafka.server
logger.server.level = info
`
