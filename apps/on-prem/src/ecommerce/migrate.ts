import { produceFeeds, readBounds, type CommandContext } from '@sluice/app-kit'
import { checkCompatibility, describeProblem, type CompatibilityMode, type SchemaRegistry } from '@sluice/schemas'
import type { OnPremConfig } from '../config.ts'
import { readAll } from '../parts/read-all.ts'
import { ShopError } from './errors.ts'
import { contractAsOf, registeredVersion } from './schema-versions.ts'
import { userEvent, type ShopApp } from './shop-app.ts'

export interface MigrateOptions {
  /** How long both versions are written, ms. */
  readonly dualWriteMs: number
  /** Events per second while both are written. */
  readonly rate: number
  readonly mode: CompatibilityMode
  /** Check only: register and write nothing. */
  readonly checkOnly: boolean
}

type Context = CommandContext<OnPremConfig, ShopApp>

/**
 * Takes the topic from the version in the registry to the next one, live: check, register, write both versions side by
 * side for a while, then prove that readers of the old and of the new version read every record.
 * @throws ShopError NOTHING_TO_MIGRATE, MIGRATION_REFUSED, MIGRATION_UNREADABLE
 */
export async function migrate(context: Context, options: MigrateOptions): Promise<void> {
  const { app, signal, print } = context
  const { registry, close } = app.openRegistry()
  try {
    const current = await registeredVersion(registry, userEvent, signal)
    if (current === undefined) throw new ShopError('NOTHING_TO_MIGRATE', `${userEvent.subject} has no schema`)
    print(`1. current  version ${current.version} of ${userEvent.name}, schema id ${current.id}\n`)
    const next = userEvent.versions.find(({ version }) => version > current.version)
    if (next === undefined) {
      print('            it is the newest; nothing to migrate\n')
      return
    }
    await check(context, registry, current.version, next, options.mode)
    if (options.checkOnly) return
    const id = await registry.register(userEvent.subject, next.schema, signal)
    print(`3. register version ${next.version} has schema id ${id}; the old id stays valid for ever\n`)
    const from = new Map((await readBounds(app, signal)).map(({ partition, end }) => [partition.partition, end]))
    const written = await dualWrite(context, current.version, next.version, options)
    await verifyReaders(context, from, written, current.version, next.version)
  } finally {
    await close()
  }
  print(
    '6. next     deploy readers and writers of the new version in any order; to go back, see docs/schema-migration.md\n',
  )
}

async function check(
  { signal, print }: Context,
  registry: SchemaRegistry,
  current: number,
  next: { readonly version: number; readonly schema: (typeof userEvent)['schema'] },
  mode: CompatibilityMode,
): Promise<void> {
  const earlier = userEvent.versions.filter(({ version }) => version <= current)
  const report = checkCompatibility(next.schema, earlier, mode)
  const refuse = (reasons: readonly string[]): ShopError =>
    new ShopError('MIGRATION_REFUSED', `version ${next.version} is not ${mode}:\n  ${reasons.join('\n  ')}\n`)
  if (!report.compatible) throw refuse(report.problems.map(describeProblem))
  const order = { readers: 'readers first', writers: 'writers first', either: 'in any order', none: 'in no order' }
  print(`2. check    version ${next.version} is ${mode}; deploy ${order[report.deployFirst]}\n`)
  if (!('accepts' in registry) || typeof registry.accepts !== 'function') return
  const verdict = (await registry.accepts(userEvent.subject, next.schema, signal)) as {
    compatible: boolean
    messages: readonly string[]
  }
  if (!verdict.compatible) throw refuse(['the registry refuses it', ...verdict.messages])
  print('            the registry accepts it\n')
}

/** Old and new writers side by side, as during the rollout of a producer: each event once, in one of the versions. */
async function dualWrite(
  { app, config, signal, print }: Context,
  oldVersion: number,
  newVersion: number,
  { dualWriteMs, rate }: MigrateOptions,
): Promise<number> {
  const output = await app.topics.openOutput()
  try {
    const before = (await readBounds(app, signal)).reduce((sum, { end }) => sum + end, 0)
    await produceFeeds({
      app,
      feeds: [userEvent.topic],
      output,
      runForMs: dualWriteMs,
      seed: config.produce.seed,
      rate,
      // Nothing bad on purpose: then one refused record is one too many.
      faults: { bad: 0, old_version: 0.5 },
      writerVersions: { [userEvent.topic]: newVersion },
      signal,
    })
    const written = (await readBounds(app, signal)).reduce((sum, { end }) => sum + end, 0) - before
    print(
      `4. write    versions ${oldVersion} and ${newVersion} side by side for ${dualWriteMs / 1000} s: ${written.toLocaleString('en-US')} records\n`,
    )
    return written
  } finally {
    await output.close()
  }
}

/** Reads the topic twice, as the application of each version would. */
async function verifyReaders(
  { app, config, log, signal, print }: Context,
  from: ReadonlyMap<number, number>,
  written: number,
  oldVersion: number,
  newVersion: number,
): Promise<void> {
  for (const version of [oldVersion, newVersion]) {
    const bySchema = new Map<number, number>()
    let refused = 0
    await readAll({
      app,
      contracts: [contractAsOf(userEvent, version)],
      workers: config.ingest.workers,
      budgetBytes: config.ingest.budget,
      follow: false,
      log,
      signal,
      onBatch({ partition, batch, rejects }) {
        const first = from.get(partition.partition) ?? 0
        refused += rejects.filter(({ offset }) => offset >= first).length
        const column = (name: string) => batch.columns[batch.schema.fields.findIndex((field) => field.name === name)]!
        const offsets = column('_offset').values as BigInt64Array
        const ids = column('_schema_id').values as Int32Array
        for (let i = 0; i < batch.length; i++) {
          if (Number(offsets[i]) >= first) bySchema.set(ids[i]!, (bySchema.get(ids[i]!) ?? 0) + 1)
        }
      },
    })
    const read = [...bySchema.values()].reduce((sum, count) => sum + count, 0)
    const parts = [...bySchema]
      .sort(([a], [b]) => a - b)
      .map(([id, count]) => `${count.toLocaleString('en-US')} of schema id ${id}`)
    print(
      `5. verify   a reader of version ${version} reads ${read.toLocaleString('en-US')}: ${parts.join(', ')}; ${refused} refused\n`,
    )
    if (read !== written || refused > 0 || bySchema.size < 2) {
      throw new ShopError(
        'MIGRATION_UNREADABLE',
        `a reader of version ${version} reads ${read} of ${written} records, ${refused} refused, in ${bySchema.size} schemas`,
      )
    }
  }
}
