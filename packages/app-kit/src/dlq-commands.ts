import type { LetterSelection } from '@sluice/ingest-core'
import type { Command } from '@sluice/runtime'
import type { CommonConfig } from './config.ts'
import type { AddCommand, Flags } from './context.ts'
import { describeLetter, loadFix, summariseLetters, withDeadLetters } from './dlq.ts'
import type { LakeApp } from './lake-app.ts'

/** `dlq list | show | replay | discard`. */
export function addDeadLetterCommands<C extends CommonConfig, A extends LakeApp>(
  parent: Command,
  add: AddCommand<C, A>,
): void {
  const dlq = parent.command('dlq').description('look at dead letters, try them again, or let them go')
  const selecting = (command: Command): Command =>
    command
      .option('--topic <topic>', 'only letters of this topic')
      .option('--code <code>', 'only letters with this code')
      .option('--since <time>', 'only letters first refused at this time or later', (text) => Date.parse(text))
      .option('--limit <n>', 'at most this many', Number)

  selecting(
    add(dlq, 'list', 'counts by topic, code and state', async ({ app, signal, print }, flags) => {
      const letters = await withDeadLetters(app, signal, (dead) => dead.list(selectionOf(flags), signal))
      print(`${summariseLetters(letters)}\n`)
    }),
  )
  add(dlq, 'show', 'one letter in full', async ({ app, signal, print }, _flags, [key]) => {
    const letter = await withDeadLetters(app, signal, (dead) => dead.show(key!, signal))
    print(`${describeLetter(letter)}\n`)
  }).argument('<key>', 'as listed by `dlq list`')
  selecting(
    add(
      dlq,
      'replay',
      'try letters again; what is good now lands exactly once',
      async ({ app, signal, print }, flags) => {
        const fix = typeof flags['fix'] === 'string' ? { fix: await loadFix(flags['fix']) } : {}
        const dryRun = flags['dryRun'] === true
        const report = await withDeadLetters(app, signal, (dead) =>
          dead.replay({ ...selectionOf(flags), ...fix, dryRun }, signal),
        )
        const skipped = Object.values(report.skipped).reduce((sum, count) => sum + count, 0)
        const verb = dryRun ? 'would land' : 'landed'
        print(
          `${verb} ${report.landed}, still bad ${report.stillBad.length}, skipped ${skipped}, files ${report.files.length}\n`,
        )
      },
    ),
  )
    .option('--dry-run', 'say what would happen, decide nothing')
    .option('--fix <module>', 'JavaScript or TypeScript module whose default export mends a letter')
  selecting(
    add(dlq, 'discard', 'decide that letters are not wanted', async ({ app, signal, print }, flags) => {
      const reason = String(flags['reason'])
      const count = await withDeadLetters(app, signal, (dead) => dead.discard(selectionOf(flags), reason, signal))
      print(`discarded ${count}\n`)
    }),
  ).requiredOption('--reason <text>', 'kept with the decision')
}

function selectionOf(flags: Flags): LetterSelection {
  const { topic, code, since, limit } = flags as { topic?: string; code?: string; since?: number; limit?: number }
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(code === undefined ? {} : { code }),
    ...(since === undefined ? {} : { since }),
    ...(limit === undefined ? {} : { limit }),
  }
}
