import {
  addDeadLetterCommands,
  addDoctorCommand,
  addLakeCommands,
  withIngestFlags,
  withProduceFlags,
  type AddCommand,
} from '@sluice/app-kit'
import type { Command } from '@sluice/runtime'
import { compatibilityModes, type CompatibilityMode } from '@sluice/schemas'
import type { OnPremConfig } from '../config.ts'
import { usesKafka } from '../parts/kafka.ts'
import { serviceChecks } from '../parts/service-checks.ts'
import { analyse } from './analytics.ts'
import { runShopDemo } from './demo.ts'
import { ShopError } from './errors.ts'
import { initShop, produceShop, removeShop, shopMode } from './life.ts'
import { migrate } from './migrate.ts'
import { userEvent, type ShopApp } from './shop-app.ts'

/** `ecommerce ...`: user events of the shop, in two schema versions. */
export function addShopCommands(parent: Command, add: AddCommand<OnPremConfig, ShopApp>): void {
  add(
    parent,
    'init',
    'make topic and bucket, register the first schema version',
    async ({ app, config, signal, print }) => print(`${await initShop(config, app, signal)}\n`),
  )
  withProduceFlags(
    add(
      parent,
      'produce',
      'simulate shop users into the topic, with faults and a ledger of the truth',
      async ({ app, config, signal, print }, { schemaVersion }) => {
        const version = schemaVersion === undefined ? {} : { version: versionNumber(schemaVersion) }
        print(`${await produceShop(config, app, { count: config.produce.count, ...version, signal })}\n`)
      },
    ),
  ).option('--schema-version <n>', 'write in this version; default the newest in the registry')
  addLakeCommands(parent, add)
  add(
    parent,
    'analytics',
    'counts, conversion, revenue and windows of both schema versions',
    async (context, flags) => {
      const idleMs = 1000 * Number(flags['idle'])
      await analyse(context, { follow: flags['follow'] === true, json: flags['json'] === true, idleMs })
    },
  )
    .option('-f, --follow', 'go on, one JSON line per window that is over')
    .option('--json', 'JSON lines instead of tables')
    .option('--idle <seconds>', 'a partition silent for this long holds no window open', '30')
  add(parent, 'migrate', 'take the topic to the next schema version while it is in use', async (context, flags) => {
    const mode = String(flags['mode']) as CompatibilityMode
    if (!compatibilityModes.includes(mode))
      throw new TypeError(`--mode must be one of ${compatibilityModes.join(', ')}`)
    await migrate(context, {
      dualWriteMs: 1000 * Number(flags['for']),
      rate: Number(flags['rate']),
      mode,
      checkOnly: flags['checkOnly'] === true,
    })
  })
    .option('--for <seconds>', 'how long both versions are written', '30')
    .option('--rate <n>', 'events per second meanwhile', Number, 100)
    .option('--mode <mode>', 'what the new version is held to', shopMode)
    .option('--check-only', 'register and write nothing')
  addDoctorCommand(parent, add, ({ config, app }) => serviceChecks(config, app))
  addDeadLetterCommands(parent, add)
  add(parent, 'clean', 'remove topic, objects and local data', async ({ app, config, signal, print }, { yes }) => {
    const real = usesKafka(config) || config.store.kind === 's3'
    if (real && yes !== true)
      throw new ShopError('CONFIRMATION_NEEDED', 'this deletes a topic and objects of real services')
    await removeShop(config, app, signal)
    print('removed topic, objects and local data; schemas stay in the registry\n')
  }).option('--yes', 'also when they are of real services')
  withIngestFlags(
    withProduceFlags(
      add(parent, 'demo', 'the whole life once: produce, ingest, migrate, query, analyse, verify', runShopDemo),
    ),
  )
}

function versionNumber(text: unknown): number {
  const version = Number(text)
  if (userEvent.versions.some((each) => each.version === version)) return version
  const known = userEvent.versions.map((each) => each.version).join(', ')
  throw new TypeError(`--schema-version must be one of ${known}`)
}
