import type { GateProblem, GateReport } from './gate.ts'

/** A report for people. */
export function reportText(report: GateReport): string {
  const lines: string[] = []
  for (const name of report.newContracts) lines.push(`new       ${name}: not in ${report.against}`)
  for (const { contract, version, mode, compatible, deployFirst } of report.newVersions) {
    if (version === 1 && report.newContracts.includes(contract)) continue
    const order = {
      either: 'readers and writers may deploy in any order',
      readers: 'deploy readers first, then writers',
      writers: 'deploy writers first, then readers, when no older data is left to read',
      none: 'no order of deployment is safe',
    }[deployFirst]
    lines.push(`${compatible ? 'ok      ' : 'REFUSED '}  ${contract} v${version} (${mode}): ${order}`)
  }
  for (const problem of report.problems) lines.push('', ...problemLines(problem))
  const count = `${report.contracts} contract${report.contracts === 1 ? '' : 's'} against ${report.against}`
  const verdict = report.passed ? 'nothing breaks a reader' : `${report.problems.length} refused`
  if (lines.length > 0) lines.push('')
  return `${[...lines, `${count}: ${verdict}`].join('\n')}\n`
}

function problemLines(problem: GateProblem): string[] {
  const { contract, version, path, rule, message, file, line } = problem
  const what = `${contract}${version === undefined ? '' : ` v${version}`}`
  return [
    `REFUSED   ${what}${path === '' ? '' : `, ${path}`} [${rule}]`,
    `  what    ${message}`,
    `  who     ${whoOf(problem)}`,
    `  first   ${firstOf(problem)}`,
    `  where   ${file}:${line}`,
  ]
}

function whoOf({ direction, against }: GateProblem): string {
  const earlier = against === undefined ? 'an earlier version' : `version ${against}`
  if (direction === 'new-reads-old') return `new readers cannot read data of ${earlier}`
  if (direction === 'old-reads-new') return `readers of ${earlier} cannot read new data`
  return 'readers, old and new, lose what they rely on'
}

function firstOf({ deployFirst }: GateProblem): string {
  if (deployFirst === 'readers') return 'all readers would have to deploy before any writer'
  if (deployFirst === 'writers') return 'writers would have to deploy first, and readers when no older data is left'
  return 'no order of deployment makes this safe'
}

/** One GitHub workflow command per problem, so that each shows at its line of the change. */
export function githubAnnotations(report: GateReport): string {
  return report.problems
    .map((problem) => {
      const { contract, version, path, rule, file, line, message } = problem
      const title = `${contract}${version === undefined ? '' : ` v${version}`} ${path}`.trim()
      const text = `[${rule}] ${message}: ${whoOf(problem)}; ${firstOf(problem)}`
      return `::error file=${property(file)},line=${line},title=${property(title)}::${data(text)}\n`
    })
    .join('')
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
