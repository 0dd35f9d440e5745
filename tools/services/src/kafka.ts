import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findJava } from './java.ts'
import { countBrokers } from './kafka-probe.ts'
import { mavenArtifacts } from './maven.ts'
import type { Launch, Service } from './service.ts'

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

const configFileIn = (dataFolder: string) => join(dataFolder, 'server.properties')
const logFileIn = (dataFolder: string) => join(dataFolder, 'log4j2.properties')

/**
 * Writes a node's configuration and formats its log folder. `more` are further arguments of `format`. Nodes with one `clusterId`
 * make one cluster; default a new one.
 */
export async function formatKafka(
  cache: string,
  dataFolder: string,
  properties: Readonly<Record<string, string | number>>,
  more: readonly string[] = [],
  clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A'),
): Promise<void> {
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(configFileIn(dataFolder), lines.join(''))
  writeFileSync(logFileIn(dataFolder), logProperties)
  const { program, base } = await javaProgram(cache, dataFolder)
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', configFileIn(dataFolder), ...more]
  await run(program, ['-Xmx128m', ...base, ...format])
}

/**
 * Starts a node that has been formatted; also when it has run before. One that is `shortLived` is compiled less: it starts at half
 * the processor time, and is no measure of speed.
 */
export async function kafkaLaunch(cache: string, dataFolder: string, shortLived = false): Promise<Launch> {
  const { program, base } = await javaProgram(cache, dataFolder)
  const memory = ['-Xms256m', '-Xmx512m', '-XX:+ExitOnOutOfMemoryError']
  const quick = shortLived ? ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] : []
  return { program, args: [...memory, ...quick, ...base, 'kafka.Kafka', configFileIn(dataFolder)], env: {} }
}

async function javaProgram(cache: string, dataFolder: string) {
  const base = [`-Dlog4j2.configurationFile=${logFileIn(dataFolder)}`, '-cp', await classPath(cache)]
  return { program: await findJava(17), base }
}

/** One Apache Kafka node, broker and controller in one (KRaft), listening on 127.0.0.1 only. Topics are not made by asking for them. */
export const kafka: Service = {
  name: 'kafka',
  ports: ['broker', 'controller'],
  healthyWithinMs: 90_000,
  async launch({ cache, dataFolder, ports }) {
    await formatKafka(cache, dataFolder, serverProperties(ports.broker!, ports.controller!, join(dataFolder, 'log')))
    return kafkaLaunch(cache, dataFolder)
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

/** The settings of a node with one PLAINTEXT listener. */
export function serverProperties(broker: number, controller: number, logFolder: string) {
  return {
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
