import type { AvroNode, RecordNode } from '../avro/model.ts'
import type { Contract } from '../contract.ts'
import { recordOf } from '../contracts/record.ts'
import { describeRule } from '../rules/describe.ts'

/** Data dictionary of one domain: its contracts with fields, keys and rules, as Markdown. */
export function dictionaryOf(domain: string, contracts: readonly Contract[]): string {
  const head = `<!-- Generated from packages/schemas/contracts/${domain} by \`npm run generate -w @sluice/schemas\`. Do not edit. -->\n\n# ${domain}\n`
  const list = contracts.map(
    (contract) => `- [${contract.event}](#${contract.event.toLowerCase()}): ${contract.description}`,
  )
  return `${head}\n${list.join('\n')}\n\n${contracts.map(sectionOf).join('\n')}`
}

function sectionOf(contract: Contract): string {
  const record = recordOf(contract.schema, contract.name)
  const facts: [string, string][] = [
    ['Topic', code(contract.topic)],
    ['Table', code(contract.table)],
    ['Format', contract.format === 'avro' ? 'Avro, Confluent wire format' : 'JSON'],
    ['Subject', code(contract.subject)],
    ['Versions', contract.versions.map(({ version }) => `v${version}`).join(', ')],
    ['Key', contract.key.map(code).join(', ')],
    ['Event identity', contract.id === undefined ? 'none' : code(contract.id)],
    ['Event time', `${code(contract.eventTime)} (${contract.eventTimeUnit}seconds)`],
    ['Late after', durationText(contract.latenessMs)],
    ['Null values', contract.tombstones],
    [
      'Partitioned by',
      contract.partitionBy
        .map((p) => code(`${p.as} = ${p.transform === 'value' ? p.field : `${p.transform}(${p.field})`}`))
        .join(', '),
    ],
  ]
  const fields: string[] = []
  fieldRows(record, '', '', contract, fields)
  const rules = contract.rules.map(
    (rule) => `| ${code(`rule_${rule.name}`)} | ${code(rule.field)} | ${cell(describeRule(rule))} |`,
  )
  return [
    `## ${contract.event}`,
    '',
    `${record.doc ?? contract.description}`,
    '',
    '| | |',
    '| --- | --- |',
    ...facts.map(([name, text]) => `| ${name} | ${text} |`),
    '',
    '| Field | Type | Null | Default | Personal data | Id | Meaning |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...fields,
    '',
    ...(rules.length === 0 ? [] : ['| Rule | Field | Must be |', '| --- | --- | --- |', ...rules, '']),
  ].join('\n')
}

function fieldRows(record: RecordNode, shown: string, idPath: string, contract: Contract, rows: string[]): void {
  for (const field of record.fields) {
    const path = `${shown}${field.name}`
    const id = `${idPath}${field.name}`
    const fallback = field.hasDefault ? code(JSON.stringify(field.default)) : ''
    const pii = contract.pii[path] ?? ''
    const nullable = field.type.kind === 'union' && field.type.branches.some((branch) => branch.kind === 'null')
    const columns = [code(path), cell(typeText(field.type)), nullable ? 'yes' : 'no', fallback, pii]
    rows.push(`| ${columns.join(' | ')} | ${contract.fieldIds[id] ?? ''} | ${cell(field.doc ?? '')} |`)
    nestedRows(field.type, path, id, contract, rows)
  }
}

function nestedRows(node: AvroNode, shown: string, idPath: string, contract: Contract, rows: string[]): void {
  if (node.kind === 'union') for (const branch of node.branches) nestedRows(branch, shown, idPath, contract, rows)
  if (node.kind === 'array') nestedRows(node.items, `${shown}[]`, `${idPath}.element`, contract, rows)
  if (node.kind === 'map') nestedRows(node.values, `${shown}[]`, `${idPath}.value`, contract, rows)
  if (node.kind === 'record') fieldRows(node, `${shown}.`, `${idPath}.`, contract, rows)
}

function typeText(node: AvroNode): string {
  switch (node.kind) {
    case 'union':
      return node.branches
        .filter((branch) => branch.kind !== 'null')
        .map(typeText)
        .join(' or ')
    case 'array':
      return `list of ${typeText(node.items)}`
    case 'map':
      return `map of ${typeText(node.values)}`
    case 'enum':
      return `one of ${node.symbols.map(code).join(', ')}`
    case 'record':
      return 'record'
    default: {
      if (node.logical?.name === 'decimal') return `decimal(${node.logical.precision}, ${node.logical.scale})`
      return node.logical?.name ?? (node.kind === 'fixed' ? `fixed(${node.size})` : node.kind)
    }
  }
}

function durationText(ms: number): string {
  const units: [number, string][] = [
    [86_400_000, 'days'],
    [3_600_000, 'hours'],
    [60_000, 'minutes'],
    [1_000, 'seconds'],
  ]
  const [size, unit] = units.find(([candidate]) => ms % candidate === 0 && ms >= candidate) ?? [1, 'ms']
  return ms / size === 1 ? `1 ${unit.replace(/s$/, '')}` : `${ms / size} ${unit}`
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
