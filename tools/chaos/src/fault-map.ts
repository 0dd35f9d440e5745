import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One line of the table of faults or inputs in docs/reliability.md. */
export interface MapRow {
  readonly number: number
  readonly what: string
  /** Files whose tests cite the number, as they stand in the table. */
  readonly files: readonly string[]
  /** What is to be known, or why there is no test. */
  readonly note: string
}

export type Cited = Readonly<Record<'fault' | 'input', ReadonlyMap<number, ReadonlySet<string>>>>

const citation = /\b(fault|input)s? (\d+(?:(?:-| to |, | and )\d+)*)(?! %)/g

/** Numbers that the titles of tests cite (`fault 19`, `faults 3-7, 17`, `input 24`), with the files they stand in, from the top folder. */
export function citedNumbers(root: string): Cited {
  const files = ['{packages,apps,tools}/*/test/**/*.test.ts', 'packages/*/src/conformance/*.ts'].flatMap((pattern) =>
    globSync(pattern, { cwd: root, exclude: (path) => path.includes('node_modules') }),
  )
  const cited = { fault: new Map<number, Set<string>>(), input: new Map<number, Set<string>>() }
  for (const file of files.sort()) {
    for (const line of readFileSync(join(root, file), 'utf8').split('\n')) {
      // Comments say what a test is about; only what is a text can be a title.
      if (!/['"`]/.test(line) || /^\s*(\*|\/)/.test(line)) continue
      for (const [, kind, list] of line.matchAll(citation)) {
        for (const number of expanded(list!)) {
          const of = cited[kind as 'fault' | 'input']
          of.set(number, (of.get(number) ?? new Set()).add(file))
        }
      }
    }
  }
  return cited
}

/** `3-7, 17 and 19` as numbers. */
function expanded(list: string): number[] {
  return list.split(/, | and /).flatMap((part) => {
    const [from, to = from] = part.split(/-| to /).map(Number)
    return Array.from({ length: to! - from! + 1 }, (_, i) => from! + i)
  })
}

/** The rows below a heading of the document. */
export function mapRows(document: string, heading: string): MapRow[] {
  const section = document.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return section
    .split('\n')
    .filter((line) => /^\| +\d+ +\|/.test(line))
    .map((line) => {
      const [number, what, files, note] = line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim())
      return {
        number: Number(number),
        what: what ?? '',
        files: [...(files ?? '').matchAll(/`([^`]+)`/g)].map(([, file]) => file!),
        note: note ?? '',
      }
    })
}
