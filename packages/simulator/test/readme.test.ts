import { readFileSync } from 'node:fs'
import { faultCatalogue, faultsOf, listFeeds } from '@sluice/generators'
import { rateForms, runConfig, simulatorErrors, targetKinds } from '@sluice/simulator'
import { format, resolveConfig } from 'prettier'
import { expect, it } from 'vitest'

const file = (name: string) => new URL(`../${name}`, import.meta.url)
const readme = readFileSync(file('README.md'), 'utf8')

/** First cells of the rows of the table below a heading. */
function firstCells(heading: string): string[] {
  const section = readme.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!)
}

it('lists every option with its default', () => {
  const options = Object.keys(runConfig.shape).map(
    (name) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
  )
  expect(firstCells('Options of `run`').sort()).toEqual(
    options.filter((name) => name !== '--kafka' && name !== '--registry-access').sort(),
  )
  const defaults = runConfig.parse({})
  for (const name of ['seed', 'scale', 'partitions', 'faults'] as const) {
    expect(readme).toMatch(new RegExp(`\\| \`--${name}[^|]*\\|[^|]*\`?${String(defaults[name])}\`?\\s*\\|`))
  }
})

it('names every key about brokers and registries', () => {
  for (const group of ['kafka', 'registryAccess'] as const) {
    for (const key of Object.keys(runConfig.shape[group].unwrap().shape))
      expect(readme).toContain(`\`${group}.${key}\``)
  }
})

it('lists every target, rate and error', () => {
  expect(firstCells('Targets')).toEqual(Object.values(targetKinds).map(({ form }) => form))
  expect(firstCells('Rates')).toEqual(Object.values(rateForms).map(({ example }) => example))
  expect(firstCells('Errors').sort()).toEqual(Object.keys(simulatorErrors).sort())
})

/** The catalogue as the code has it: `npx vitest run packages/simulator/test/readme.test.ts -u` writes it anew. */
function catalogue(): string {
  const feeds = listFeeds()
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    '# Feeds and faults',
    '',
    'Made from the code by `test/readme.test.ts`. What happens in a feed is in the README of `@sluice/generators`.',
    '',
    row(['feed', 'contract', 'format', 'versions', 'key', 'event time', 'lateness', 'what']),
    row(Array.from({ length: 8 }, () => '---')),
    ...feeds.map(({ name, description, contract }) =>
      row([
        `\`${name}\``,
        contract.name,
        contract.format,
        contract.versions.map(({ version }) => version).join(' '),
        contract.key.join(', '),
        contract.eventTime,
        `${contract.latenessMs / 60_000} min`,
        description,
      ]),
    ),
    '',
    'Faults by feed: `x` where records of the feed can have it, `-` where its encoding or contract cannot express it.',
    '',
    row(['fault', 'what', ...feeds.map(({ name }) => name)]),
    row(Array.from({ length: feeds.length + 2 }, () => '---')),
    ...Object.entries(faultCatalogue).map(([fault, { text }]) =>
      row([
        `\`${fault}\``,
        text,
        ...feeds.map((feed) => {
          const versions = feed.contract.versions.map(({ version }) => version)
          return versions.some((version) => faultsOf(feed, version).some((each) => each === fault)) ? 'x' : '-'
        }),
      ]),
    ),
    '',
  ].join('\n')
}

it('has a catalogue of feeds and faults that is that of the code', async () => {
  const path = file('docs/catalogue.md').pathname
  const text = await format(catalogue(), { ...(await resolveConfig(path)), parser: 'markdown' })
  await expect(text).toMatchFileSnapshot(path)
})
