import { existsSync, globSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  countBrokers,
  formatKafka,
  kafkaLaunch,
  ownServices,
  restartService,
  serverProperties,
  type Service,
} from '@sluice-tools/services'

/** A broker with several disks, each with room for one large file of `fileLimit` bytes. Only the disk that is full goes, the broker stays. */
export interface SmallDisks {
  readonly brokers: readonly string[]
  /** Bytes that a partition can still grow by. */
  roomOf(partition: string): number
  /** Partitions that share the disk of this one. */
  neighboursOf(partition: string): readonly string[]
  /** Gives all disks room, and restarts the broker: it does not take a disk back before. */
  giveRoom(): Promise<void>
  release(): Promise<void>
}

/** Above the index files of 10 MiB that a broker lays out for each partition. */
export const fileLimit = 16 << 20

/** As the shell counts it for `ulimit -f`, in blocks of 512 bytes. */
const limitFile = 'file-limit'
const disks = ['disk-1', 'disk-2', 'disk-3', 'disk-4', 'disk-5']

const service: Service = {
  name: 'kafka-small-disks',
  ports: ['broker', 'controller'],
  healthyWithinMs: 90_000,
  nativeOnly: true,
  async launch({ cache, dataFolder, ports }) {
    const folders = disks.map((disk) => join(dataFolder, disk))
    await formatKafka(cache, dataFolder, {
      ...serverProperties(ports['broker']!, ports['controller']!, folders.join(',')),
      // A broker whose own log cannot be written ends.
      'metadata.log.dir': join(dataFolder, 'metadata'),
      'offsets.topic.num.partitions': 1,
    })
    writeFileSync(join(dataFolder, limitFile), String(fileLimit / 512))
    const { program, args, env } = await kafkaLaunch(cache, dataFolder, true)
    // The limit of the process takes the place of a small file system, which only root could make.
    const script = `ulimit -S -f "$(cat ${limitFile})" && exec "$0" "$@"`
    return { program: 'sh', args: ['-c', script, program, ...args], env }
  },
  async probe({ broker }) {
    if ((await countBrokers('127.0.0.1', broker!)) < 1) throw new Error('the broker knows no broker yet')
  },
  environment: ({ broker }, dataFolder) => ({ KAFKA_BROKERS: `127.0.0.1:${broker}`, KAFKA_DATA: dataFolder }),
}

export async function startSmallDisks(): Promise<SmallDisks> {
  const { env, options, release } = await ownServices([service.name], { catalogue: { [service.name]: service } })
  const data = env['KAFKA_DATA']!
  const folderOf = (partition: string): string => {
    const [folder] = globSync(join(data, 'disk-*', partition))
    if (folder === undefined) throw new Error(`no disk holds ${partition}`)
    return folder
  }
  return {
    brokers: env['KAFKA_BROKERS']!.split(','),
    roomOf(partition) {
      const log = join(folderOf(partition), `${'0'.repeat(20)}.log`)
      return fileLimit - (existsSync(log) ? statSync(log).size : 0)
    },
    neighboursOf: (partition) =>
      readdirSync(dirname(folderOf(partition)), { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name !== basename(partition))
        .map(({ name }) => name),
    async giveRoom() {
      writeFileSync(join(data, limitFile), 'unlimited')
      await restartService(service.name, options)
    },
    release,
  }
}
