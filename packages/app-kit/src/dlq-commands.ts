import { DeadLetterError, type LetterSelection, type LetterStatus } from '@sluice/ingest-core'
import type { Command } from '@sluice/runtime'
import type { CommonConfig } from './config.ts'
import type { AddCommand, Flags } from './context.ts'
import { describeLetter, describeReplay, loadFix, summariseLetters, type ListedLetter } from './dlq.ts'
import type { LakeApp } from './lake-app.ts'
import { chooseOpen, lakePlace, withLetterPlaces, type LetterPlace } from './letter-places.ts'

/** `dlq list | show | replay | discard`, over the lake and the sinks beside it. */
export function addDeadLetterCommands<C extends CommonConfig, A extends LakeApp>(
  parent: Command,
  add: AddCommand<C, A>,
): void {
  const dlq = parent.command('dlq').description('look at dead letters, try them again, or let them go')
  const placed = (command: Command): Command =>
    command.option('--sink <name>', 'only those of this sink, e.g. lake; default all that the app feeds')
  const selecting = (command: Command): Command =>
    placed(command)
      .option('--topic <topic>', 'only letters of this topic')
      .option('--code <code>', 'only letters with this code')
      .option('--since <time>', 'only letters first refused at this time or later', (text) => Date.parse(text))
      .option('--limit <n>', 'at most this many', Number)

  selecting(
    add(dlq, 'list', 'counts by topic, code and state', async ({ app, signal, print }, flags) => {
      const letters = await withLetterPlaces(
        app,
        signal,
        (places) => listAll(places, selectionOf(flags), signal),
        sinkOf(flags),
      )
      print(`${summariseLetters(letters)}\n`)
    }),
  )
  placed(
    add(dlq, 'show', 'one letter in full', async ({ app, signal, print }, flags, [key]) => {
      const found = await withLetterPlaces(app, signal, (places) => showIn(places, key!, signal), sinkOf(flags))
      print(`${describeLetter(found[0]!)}\n`)
      const others = found.slice(1).map(({ place, state }) => `${state} in ${place}`)
      if (others.length > 0) print(`also ${others.join(', ')}\n`)
    }).argument('<key>', 'as listed by `dlq list`'),
  )
  selecting(
    add(
      dlq,
      'replay',
      'try letters again; what is good now lands exactly once',
      async ({ app, signal, print }, flags) => {
        const fix = typeof flags['fix'] === 'string' ? { fix: await loadFix(flags['fix']) } : {}
        const dryRun = flags['dryRun'] === true
        await withLetterPlaces(
          app,
          signal,
          async (places) => {
            for (const { name, letters, selection } of await chooseOpen(places, selectionOf(flags), signal)) {
              const report = await letters.replay({ ...selection, ...fix, dryRun }, signal)
              print(`${prefixOf(places, name)}${describeReplay(name, report)}\n`)
            }
          },
          sinkOf(flags),
        )
      },
    ),
  )
    .option('--dry-run', 'say what would happen, decide nothing')
    .option('--fix <module>', 'JavaScript or TypeScript module whose default export mends a letter')
  selecting(
    add(dlq, 'discard', 'decide that letters are not wanted', async ({ app, signal, print }, flags) => {
      const reason = String(flags['reason'])
      await withLetterPlaces(
        app,
        signal,
        async (places) => {
          for (const { name, letters, selection } of await chooseOpen(places, selectionOf(flags), signal)) {
            const count = await letters.discard(selection, reason, signal)
            print(`${prefixOf(places, name)}discarded ${count}\n`)
          }
        },
        sinkOf(flags),
      )
    }),
  ).requiredOption('--reason <text>', 'kept with the decision')
}

function prefixOf(places: readonly LetterPlace[], name: string): string {
  return places.length === 1 && name === lakePlace ? '' : `${name}: `
}

async function listAll(
  places: readonly LetterPlace[],
  selection: LetterSelection,
  signal: AbortSignal,
): Promise<ListedLetter[]> {
  const all: ListedLetter[] = []
  for (const { name, letters } of places) {
    for (const status of await letters.list(selection, signal)) all.push({ ...status, place: name })
  }
  return all
}

/** The letter as each place has it. @throws DeadLetterError LETTER_UNKNOWN when none has */
async function showIn(places: readonly LetterPlace[], key: string, signal: AbortSignal): Promise<ListedLetter[]> {
  const found: ListedLetter[] = []
  let unknown: unknown
  for (const { name, letters } of places) {
    try {
      const status: LetterStatus = await letters.show(key, signal)
      found.push({ ...status, place: name })
    } catch (error) {
      if (!(error instanceof DeadLetterError) || error.code !== 'LETTER_UNKNOWN') throw error
      unknown = error
    }
  }
  if (found.length === 0) throw unknown
  return found
}

function sinkOf(flags: Flags): string | undefined {
  return typeof flags['sink'] === 'string' ? flags['sink'] : undefined
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
