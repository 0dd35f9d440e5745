import {
  addDeadLetterCommands,
  addDoctorCommand,
  addLakeCommands,
  createCommandSet,
  diskCheck,
  produceFlagPaths,
  withIngestFlags,
  withProduceFlags,
} from '@sluice/app-kit'
import type { Command } from '@sluice/runtime'
import { openBakery } from './bakery-app.ts'
import { appConfig, type AppConfig } from './config.ts'
import { runDemo } from './demo.ts'
import { removeAll } from './places.ts'
import { initLog, openLog, produceEvents } from './produce.ts'

/** Adds the app's commands to a program. */
export function addCommands(program: Command): void {
  const add = createCommandSet(program, {
    name: 'local-medallion',
    schema: appConfig,
    config: (output) => output as AppConfig,
    flagPaths: produceFlagPaths,
    env: () => process.env,
    open: ({ dataDir }) => openBakery(dataDir),
  })

  add(program, 'init', 'make the log with its topics and the empty lake', async ({ app, config, print }) => {
    const log = await openLog(app.places)
    try {
      await initLog(log, config.produce.partitions)
      print(`ready in ${app.places.root}: ${[...log.topics().keys()].join(', ')}\n`)
    } finally {
      await log.close()
    }
  })
  withProduceFlags(
    add(
      program,
      'produce',
      'simulate the six feeds into the log, with faults and a ledger of the truth',
      async ({ app, config, signal, print }) => {
        const summary = await produceEvents(config, app, signal)
        print(`produced ${summary.records.toLocaleString('en-US')} records, seed ${summary.seed}\n`)
      },
    ),
  )
  addLakeCommands(program, add)
  addDoctorCommand(program, add, ({ app }) => [diskCheck(app.places.root)])
  add(program, 'clean', 'remove log, lake, registry and ledger', async ({ app, print }) => {
    await removeAll(app.places)
    print(`removed log, lake, registry and ledger in ${app.places.root}\n`)
  })
  withIngestFlags(withProduceFlags(add(program, 'demo', 'clean, init, produce, ingest, show-data, verify', runDemo)))
  addDeadLetterCommands(program, add)
}
