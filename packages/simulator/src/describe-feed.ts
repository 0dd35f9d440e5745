import {
  createSimulation,
  defaultFaultRates,
  domains,
  faultCatalogue,
  faultSharesOf,
  faultsOf,
  type FaultName,
  type Feed,
  noFaults,
  type Row,
} from '@sluice/generators'
import { renderTable } from '@sluice/runtime'
import { type AvroNode, describeRule, parseSchema } from '@sluice/schemas'

/** What `list` shows of a feed. */
export interface FeedSummary {
  readonly feed: string
  readonly domain: string
  readonly format: 'avro' | 'json'
  readonly versions: readonly number[]
  readonly key: readonly string[]
  readonly eventTime: string
  readonly latenessMs: number
  readonly description: string
}

/** What `describe` shows of a feed. */
export interface FeedDescription extends FeedSummary {
  readonly contract: string
  readonly fields: readonly { readonly name: string; readonly type: string; readonly doc: string }[]
  readonly rules: readonly { readonly name: string; readonly text: string }[]
  /** Faults that its records can have; `share` is that of the default. */
  readonly faults: readonly { readonly name: FaultName; readonly share: number; readonly text: string }[]
  /** The first row of the default seed, longs as text. */
  readonly sample: Row
}

export function summariseFeed(feed: Feed): FeedSummary {
  const { contract } = feed
  return {
    feed: feed.name,
    domain: domains.find((domain) => domain.feeds.includes(feed))!.name,
    format: contract.format,
    versions: contract.versions.map(({ version }) => version),
    key: contract.key,
    eventTime: contract.eventTime,
    latenessMs: contract.latenessMs,
    description: feed.description,
  }
}

export function describeFeed(feed: Feed): FeedDescription {
  const { contract } = feed
  const node = parseSchema(contract.schema)
  const shares = faultSharesOf(feed, defaultFaultRates)
  return {
    ...summariseFeed(feed),
    contract: contract.name,
    fields: (node.kind === 'record' ? node.fields : []).map((field) => ({
      name: field.name,
      type: typeText(field.type),
      doc: field.doc ?? '',
    })),
    rules: contract.rules.map((rule) => ({ name: rule.name, text: `${rule.field}: ${describeRule(rule)}` })),
    faults: faultsOf(feed).map((name) => ({ name, share: shares.get(name) ?? 0, text: faultCatalogue[name].text })),
    sample: sampleOf(feed),
  }
}

/** A type in a few words: `timestamp-millis`, `string or null`, `enum A B C`, `decimal(12,2)`. */
function typeText(node: AvroNode): string {
  switch (node.kind) {
    case 'union':
      return node.branches
        .map(typeText)
        .sort((a, b) => Number(a === 'null') - Number(b === 'null'))
        .join(' or ')
    case 'enum':
      return `enum ${node.symbols.join(' ')}`
    case 'array':
      return `list of ${typeText(node.items)}`
    case 'map':
      return `map of ${typeText(node.values)}`
    case 'record':
      return `record of ${node.fields.map((field) => field.name).join(', ')}`
    default: {
      const logical = 'logical' in node ? node.logical : undefined
      if (logical === undefined) return node.kind
      return logical.name === 'decimal' ? `decimal(${logical.precision},${logical.scale})` : logical.name
    }
  }
}

function sampleOf(feed: Feed): Row {
  const simulation = createSimulation([feed.name], { count: 1, faults: noFaults, hashRows: false })
  const [record] = simulation.next()
  const text = JSON.stringify(record!.row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  return JSON.parse(text) as Row
}

/** Pure: text from a description. */
export function renderDescription(described: FeedDescription): string {
  const { feed, contract, domain, description, format, versions, key, eventTime, latenessMs } = described
  return [
    `${feed} (${contract}, ${domain})`,
    description,
    '',
    `format ${format}, schema versions ${versions.join(' ')}, key ${key.join('|')}, event time ${eventTime}, lateness ${latenessMs / 60_000} min`,
    renderTable(
      [
        { title: 'field', value: ({ name }) => name },
        { title: 'type', value: ({ type }) => type },
        { title: 'meaning', value: ({ doc }) => doc },
      ],
      described.fields,
    ),
    'rules',
    ...described.rules.map(({ name, text }) => `  ${name}: ${text}`),
    'faults, with the share of `--faults default`',
    renderTable(
      [
        { title: 'fault', value: ({ name }) => name },
        { title: 'share', value: ({ share }) => percent(share), align: 'right' },
        { title: 'what', value: ({ text }) => text },
      ],
      described.faults,
    ),
    'sample',
    JSON.stringify(described.sample, null, 2),
    '',
  ].join('\n')
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`
}
