import {
  createDeadLetters,
  createDecodeService,
  createIngestWorkers,
  createSchemaResolver,
  selectLetters,
  type DeadLetters,
  type LetterSelection,
  type LetterStatus,
} from '@sluice/ingest-core'
import { AppError } from './errors.ts'
import { tableContractsOf, type LakeApp } from './lake-app.ts'

/** Where dead letters lie: in the lake, or in a sink beside it. Each decides about its own, in its own ledger. */
export interface LetterPlace {
  readonly name: string
  readonly letters: DeadLetters
}

/** The lake's place among those of an app. */
export const lakePlace = 'lake'

/**
 * Opens all places of dead letters for one piece of work, the lake first, with workers to decode letters again.
 * `only` names one of them.
 * @throws AppError SINK_UNKNOWN
 */
export async function withLetterPlaces<T>(
  app: LakeApp,
  signal: AbortSignal,
  work: (places: readonly LetterPlace[]) => Promise<T>,
  only?: string,
): Promise<T> {
  const { contracts, sinkId } = app
  await using open = new AsyncDisposableStack()
  const store = await app.openStore(signal)
  open.defer(() => store.close())
  const { registry, close } = app.openRegistry()
  open.defer(close)
  const workers = createIngestWorkers({ contracts, size: 1 })
  open.defer(() => workers.close())
  const schemas = createSchemaResolver({ registry })
  const decoder = createDecodeService({ workers, contracts, schemas })
  const tables = tableContractsOf(app)
  const lake = createDeadLetters({ store, sinkId, contracts, tables, decoder, schemas })
  const places: LetterPlace[] = [{ name: lakePlace, letters: lake }]
  if (only !== lakePlace) {
    const further = await app.openFurtherLetters?.(decoder)
    if (further !== undefined) {
      open.defer(() => further.close())
      places.push(...further.members)
    }
  }
  const chosen = only === undefined ? places : places.filter(({ name }) => name === only)
  if (chosen.length > 0) return await work(chosen)
  throw new AppError('SINK_UNKNOWN', `${only} is none of ${places.map(({ name }) => name).join(', ')}`)
}

/** Opens the dead letters of the lake for one piece of work. */
export function withDeadLetters<T>(
  app: LakeApp,
  signal: AbortSignal,
  work: (letters: DeadLetters) => Promise<T>,
): Promise<T> {
  return withLetterPlaces(app, signal, ([place]) => work(place!.letters), lakePlace)
}

/** Letters of one place that one call decides about. */
export interface ChosenLetters extends LetterPlace {
  readonly selection: LetterSelection
}

/**
 * The same records for all places: those that are open in at least one of them, cut to the limit once. Of each place come
 * the letters it still has open: a run that died between two places is made up by the next.
 */
export async function chooseOpen(
  places: readonly LetterPlace[],
  selection: LetterSelection,
  signal: AbortSignal,
): Promise<ChosenLetters[]> {
  if (places.length === 1) return [{ ...places[0]!, selection }]
  const { limit, ...unlimited } = selection
  const open = new Map<string, LetterStatus>()
  const openIn: Set<string>[] = []
  for (const { letters } of places) {
    const mine = (await letters.list(unlimited, signal)).filter(({ state }) => state === 'open')
    openIn.push(new Set(mine.map(({ key }) => key)))
    for (const status of mine) open.set(status.key, status)
  }
  const chosen = selectLetters(open.values(), limit === undefined ? {} : { limit }).map(({ key }) => key)
  return places.map((place, i) => ({ ...place, selection: { keys: chosen.filter((key) => openIn[i]!.has(key)) } }))
}
