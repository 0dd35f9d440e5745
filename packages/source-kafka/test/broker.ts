import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const services = fileURLToPath(new URL('../../../tools/services/src/main.ts', import.meta.url))

/** A Kafka broker of this test file, gone with it. */
export interface TestBroker {
  readonly brokers: readonly string[]
  /** Process id of the broker. */
  readonly pid: number
  stop(): Promise<void>
}

/** Starts a service through the command line of `tools/services`; slow on a busy machine, so one per test file. */
export async function startBroker(name: string): Promise<TestBroker> {
  const instance = `source-kafka-${name}-${process.pid}`
  const call = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [services, ...args, '--instance', instance], { timeout: 240_000 })
    return stdout
  }
  const environment = await call('up', 'kafka', '--owner', String(process.pid))
  const brokers = /KAFKA_BROKERS='([^']+)'/.exec(environment)![1]!.split(',')
  const pid = Number(/pid=(\d+)/.exec(await call('status'))?.[1] ?? 0)
  return {
    brokers,
    pid,
    async stop() {
      await call('down')
    },
  }
}
