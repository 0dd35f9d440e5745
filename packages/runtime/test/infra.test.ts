import { readFile } from 'node:fs/promises'
import type { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createMetricsRegistry, observePipeline, pipelineMetricNames } from '@sluice/runtime'
import { commitInfo, flow, NOW, partitionStatus, pipelineStatus, receiptOf } from './pipeline-status.ts'

const infra = (file: string) => readFile(new URL(`../../../infra/${file}`, import.meta.url), 'utf8')

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string
      readonly expr: string
      readonly annotations: { readonly summary: string; readonly action: string }
    }[]
  }[]
}

/** What a process with a busy pipeline really serves: series with their labels. */
async function served(): Promise<{ readonly names: Set<string>; readonly labels: Map<string, Set<string>> }> {
  const registry: Registry = createMetricsRegistry()
  const status = pipelineStatus({
    topics: { orders: flow({ consumed: 1, stored: 1 }) },
    partitions: [partitionStatus(0, { lag: 1, watermark: NOW, oldestPending: NOW })],
    circuits: { orders: { open: false, badShare: 0 } },
  })
  const observer = observePipeline({ status: () => status, topics: ['orders'], registry })
  observer.onReceipt(receiptOf(), commitInfo)
  const names = new Set<string>()
  const labels = new Map<string, Set<string>>()
  for (const line of (await registry.metrics()).split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line)
    if (match === null || line.startsWith('#')) continue
    names.add(match[1]!)
    const known = labels.get(match[1]!) ?? new Set()
    for (const [, label] of (match[2] ?? '').matchAll(/(\w+)="/g)) known.add(label!)
    labels.set(match[1]!, known)
  }
  return { names, labels }
}

const metricsIn = (expr: string) => [...expr.matchAll(/\b(?:sluice|process|nodejs)_\w+/g)].map(([name]) => name)

async function expectServed(where: string, expr: string): Promise<void> {
  const { names, labels } = await served()
  const used = metricsIn(expr)
  expect(used.length, where).toBeGreaterThan(0)
  for (const name of used) expect([...names], `${where}: ${expr}`).toContain(name)
  const allowed = new Set(used.flatMap((name) => [...labels.get(name)!]))
  const asked = [
    ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(',').map((label) => label.trim())),
    ...[...expr.matchAll(/[{,]\s*(\w+)=~?"/g)].map(([, label]) => label!),
  ].filter((label) => label !== 'job') // that one Prometheus adds
  for (const label of asked) expect([...allowed], `${where}: ${expr}`).toContain(label)
}

describe('dashboard and alerts ask only for what is served', () => {
  it('Grafana', async () => {
    const { panels } = JSON.parse(await infra('grafana/sluice-pipeline.json')) as Dashboard
    expect(panels.length).toBeGreaterThan(10)
    for (const { title, targets } of panels) {
      for (const { expr } of targets) await expectServed(title, expr)
    }
    // And every metric is to be seen somewhere.
    const seen = new Set(panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsIn(expr))))
    for (const name of pipelineMetricNames) {
      expect(
        [...seen].some((each) => each === name || each === `${name}_bucket`),
        name,
      ).toBe(true)
    }
  })

  it('Prometheus, with the thresholds of the specification', async () => {
    const { groups } = parse(await infra('prometheus/sluice-alerts.yml')) as Alerts
    const rules = groups.flatMap((group) => group.rules)
    for (const { alert, expr, annotations } of rules) {
      await expectServed(alert, expr)
      expect(annotations.action.length, alert).toBeGreaterThan(10)
    }
    const bound = (name: string) => /[><=]=?\s*([\d.]+)$/.exec(rules.find(({ alert }) => alert === name)!.expr)![1]
    expect([bound('SluiceLagHigh'), bound('SluiceBatchSlow'), bound('SluiceDeadLetters')]).toEqual([
      '10000',
      '30',
      '0.01',
    ])
  })
})

it('the README lists every metric with its labels', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `(sluice_\w+)`\s+\| ([^|]*)\|/gm)].map(([, name, labels]) => [
    name!,
    labels!
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  ])
  expect(rows.map(([name]) => name)).toEqual(pipelineMetricNames)
  const { labels } = await served()
  for (const [name, listed] of rows as [string, string[]][]) {
    const found = labels.get(name) ?? labels.get(`${name}_count`)
    expect([...found!].sort(), name).toEqual([...listed].sort())
  }
})
