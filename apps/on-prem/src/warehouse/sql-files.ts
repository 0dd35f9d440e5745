import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { quoteIdentifier, quoteText } from '@sluice/schemas'

/** One SQL file: its name without number and ending, what its first comment says, and its text. */
export interface SqlFile {
  readonly name: string
  readonly about: string
  readonly text: string
}

const root = new URL('../../sql/', import.meta.url)

/** The files of a folder below `sql/`, in the order of their names. */
export async function readSqlFolder(folder: string): Promise<SqlFile[]> {
  const path = fileURLToPath(new URL(`${folder}/`, root))
  const names = (await readdir(path)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (file) => {
      const text = await readFile(`${path}${file}`, 'utf8')
      return { name: file.replace(/^\d+_/, '').replace(/\.sql$/, ''), about: aboutOf(text), text }
    }),
  )
}

/** What stands in for the places of a file. */
export interface SqlPlaces {
  /** `{{schema}}`: an identifier. */
  readonly schema: string
  /** `{{as_of}}`: the time the job is about, as a literal. */
  readonly asOf?: Date
}

/** @throws TypeError for a place that nothing was given for */
export function fillPlaces(text: string, { schema, asOf }: SqlPlaces): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_place, name: string) => {
    if (name === 'schema') return quoteIdentifier(schema)
    if (name === 'as_of' && asOf !== undefined) return quoteText(asOf.toISOString())
    throw new TypeError(`a SQL file has the place {{${name}}}, for which nothing was given`)
  })
}

function aboutOf(text: string): string {
  const lines = text.split('\n')
  const end = lines.findIndex((line) => !line.startsWith('--'))
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^--\s?/, ''))
    .join(' ')
}
