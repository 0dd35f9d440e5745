import type { Command } from '@sluice/runtime'
import type { CommonConfig } from './config.ts'
import type { AddCommand } from './context.ts'
import { AppError } from './errors.ts'
import type { LakeApp } from './lake-app.ts'
import { openLake } from './lake.ts'
import { readLakeState } from './lake-state.ts'
import { observedIngest } from './observed-ingest.ts'
import { describeLake } from './show-data.ts'
import { queryLake } from './sql.ts'
import { describePartitions } from './status.ts'
import { describeVerification, verifyLake } from './verify.ts'

/** `ingest`, `show-data`, `sql`, `verify` and `status`: what every lake app has. */
export function addLakeCommands<C extends CommonConfig, A extends LakeApp>(
  parent: Command,
  add: AddCommand<C, A>,
): void {
  withIngestFlags(
    add(parent, 'ingest', 'land what the source holds, exactly once; again changes nothing', (context, { follow }) =>
      observedIngest(context, { follow: follow === true }).then(() => undefined),
    ).option('-f, --follow', 'go on after the end of the log is reached'),
  )
  add(parent, 'show-data', 'what landed, per table, and the conservation equation', async ({ app, signal, print }) => {
    const { files, totals } = await readLakeState(app, signal, false)
    print(describeLake(app.contracts, files, totals))
  })
  add(parent, 'sql', 'query the lake with DuckDB', async ({ app, signal, print }, _flags, [query]) => {
    const { files } = await readLakeState(app, signal, false)
    if (files.length === 0) throw new AppError('LAKE_EMPTY', 'nothing has landed yet')
    using lake = await openLake(app, files, signal)
    print(await queryLake(lake, query!))
  }).argument('<query>', 'over the tables of the lake, late_ tables and dead_letters (try `show tables`)')
  add(
    parent,
    'verify',
    'audit the commit chain and compare the lake with the ledger',
    async ({ app, signal, print }, { quick }) => {
      const result = await verifyLake(app, signal, quick !== true)
      print(describeVerification(result))
      if (!result.ok) throw new AppError('VERIFY_FAILED', 'the lake is not what the ledger says')
    },
  ).option('--quick', 'trust the digests the store keeps instead of reading every object')
  add(parent, 'status', 'progress and lag of each partition', async ({ app, signal, print }) => {
    print(describePartitions((await readLakeState(app, signal, false)).partitions))
  })
}

export function withProduceFlags(command: Command): Command {
  return command
    .option('-n, --count <events>', 'events over all feeds', Number)
    .option('--seed <n>', 'same seed, same bytes', Number)
    .option('--rate <n>', 'events per second; 0 is as fast as possible', Number)
    .option('--bad <share>', 'share of bad records, 0 to 1', Number)
    .option('--partitions <n>', 'partitions of each topic', Number)
}

/** Words of `withProduceFlags` to keys of the configuration. */
export const produceFlagPaths = {
  count: 'produce.count',
  seed: 'produce.seed',
  rate: 'produce.rate',
  bad: 'produce.bad',
  partitions: 'produce.partitions',
} as const

export function withIngestFlags(command: Command): Command {
  return command
    .option('--workers <n>', 'threads that decode and encode', Number)
    .option('--metrics-port <port>', 'serve /metrics, /live and /ready', Number)
}
