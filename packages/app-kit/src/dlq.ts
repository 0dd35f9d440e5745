import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import type { DeadLetter, LetterStatus, ReplayReport } from '@sluice/ingest-core'
import { renderTable } from '@sluice/runtime'
import { AppError } from './errors.ts'
import { lakePlace } from './letter-places.ts'

export type Fix = (letter: DeadLetter) => Uint8Array | undefined | Promise<Uint8Array | undefined>

/**
 * Loads the module of `--fix`: its default export turns a letter into a new value, or `undefined` to leave it alone.
 * The operator names the file on the command line; it is never taken from configuration or data (input 35).
 * @throws {AppError} FIX_MODULE_INVALID
 */
export async function loadFix(file: string): Promise<Fix> {
  let loaded: { default?: unknown }
  try {
    loaded = (await import(pathToFileURL(resolve(file)).href)) as { default?: unknown }
  } catch (cause) {
    throw new AppError('FIX_MODULE_INVALID', `cannot load ${file}`, { cause })
  }
  if (typeof loaded.default !== 'function') throw new AppError('FIX_MODULE_INVALID', `${file} has no default function`)
  return loaded.default as Fix
}

export interface ListedLetter extends LetterStatus {
  /** The sink that decided it. */
  readonly place: string
}

/** Counts by topic, code, sink and state: what an operator looks at first. An app with a lake alone has no column for sinks. */
export function summariseLetters(letters: readonly ListedLetter[]): string {
  const groups = Map.groupBy(letters, ({ letter, state, place }) =>
    JSON.stringify([letter.partition.topic, letter.code, place, state]),
  )
  const rows = [...groups].map(([key, members]) => {
    const [topic, code, place, state] = JSON.parse(key) as [string, string, string, string]
    return { topic, code, place, state, count: members.length, example: members[0]!.key }
  })
  rows.sort((a, b) => b.count - a.count || a.topic.localeCompare(b.topic) || a.code.localeCompare(b.code))
  const sink = { title: 'sink', value: ({ place }: { readonly place: string }) => place }
  return renderTable(
    [
      ...(rows.every(({ place }) => place === lakePlace) ? [] : [sink]),
      { title: 'topic', value: ({ topic }) => topic },
      { title: 'code', value: ({ code }) => code },
      { title: 'state', value: ({ state }) => state },
      { title: 'letters', value: ({ count }) => count },
      { title: 'for example (dlq show)', value: ({ example }) => example },
    ],
    rows,
  )
}

/** What a replay did in one sink. */
export function describeReplay(place: string, { dryRun, landed, stillBad, skipped, files }: ReplayReport): string {
  const left = Object.values(skipped).reduce((sum, count) => sum + count, 0)
  const written = place === lakePlace ? `, files ${files.length}` : ''
  return `${dryRun ? 'would land' : 'landed'} ${landed}, still bad ${stillBad.length}, skipped ${left}${written}`
}

const SHOWN_BYTES = 256

/** One letter in full; bytes as hex with what is printable beside it, at most 256 of them. */
export function describeLetter({ letter, state, key }: LetterStatus): string {
  const { partition } = letter
  const lines: [string, string][] = [
    ['key', key],
    ['state', state],
    ['source', `${partition.topic}[${partition.partition}] offset ${letter.offset}`],
    ['stage', letter.stage],
    ['code', letter.code],
    ['path', letter.path || '(record)'],
    ['expected', letter.expected],
    ['attempt', String(letter.attempt)],
    ['schema id', letter.schemaId === null ? 'none' : String(letter.schemaId)],
    ['record key', letter.key === null ? 'null' : hexDump(letter.key)],
    ['value', letter.value === null ? 'null' : hexDump(letter.value)],
  ]
  return lines.map(([name, text]) => `${name.padEnd(11)} ${text}`).join('\n')
}

function hexDump(bytes: Uint8Array): string {
  const shown = bytes.subarray(0, SHOWN_BYTES)
  const lines: string[] = []
  for (let at = 0; at < shown.length; at += 16) {
    const row = shown.subarray(at, at + 16)
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${hex.padEnd(48)} ${text}`)
  }
  const more = bytes.length > shown.length ? `\n${' '.repeat(12)}... ${bytes.length} bytes in all` : ''
  return lines.join(`\n${' '.repeat(12)}`) + more
}
