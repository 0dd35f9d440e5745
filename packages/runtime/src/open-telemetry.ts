import { commitDefinitions, gaugeDefinitions, type Reading, type RecordCommit } from './pipeline-metrics.ts'

type Attributes = Record<string, string>

/** The members of an OpenTelemetry `Meter` that are used here; `metrics.getMeter('...')` of `@opentelemetry/api` has them. */
export interface MeterLike {
  createObservableGauge(name: string, options: { description: string }): ObservableLike
  createObservableCounter(name: string, options: { description: string }): ObservableLike
  createCounter(name: string, options: { description: string }): { add(value: number, attributes: Attributes): void }
  createHistogram(
    name: string,
    options: { description: string; unit: string; advice: { explicitBucketBoundaries: number[] } },
  ): { record(value: number, attributes: Attributes): void }
}

export interface ObservableLike {
  addCallback(callback: (result: { observe(value: number, attributes: Attributes): void }) => void): void
}

/**
 * The meter of the process when `@opentelemetry/api` is installed, else `undefined`. What it leads to is up to the SDK that
 * the operator loads (`node --import ...`); without one, it leads nowhere and costs next to nothing.
 */
export async function openTelemetryMeter(name = 'sluice'): Promise<MeterLike | undefined> {
  try {
    const { metrics } = await import('@opentelemetry/api')
    return metrics.getMeter(name)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/** Names in OpenTelemetry's spelling: `sluice_lag_records` is `sluice.lag_records`, counters have no `_total`. */
export function otelName(name: string): string {
  return name.replace(/^sluice_/, 'sluice.').replace(/_total$/, '')
}

export function registerMeter(meter: MeterLike, reading: () => Reading | undefined): RecordCommit {
  for (const { name, help: description, kind, read } of gaugeDefinitions) {
    const observable =
      kind === 'gauge'
        ? meter.createObservableGauge(otelName(name), { description })
        : meter.createObservableCounter(otelName(name), { description })
    observable.addCallback((result) => {
      const now = reading()
      if (now !== undefined) for (const { value, labels } of read(now)) result.observe(value, { ...labels })
    })
  }
  const records = commitDefinitions.map(({ name, help: description, kind, buckets, read }): RecordCommit => {
    if (kind === 'counter') {
      const counter = meter.createCounter(otelName(name), { description })
      return (...commit) => {
        for (const { value, labels } of read(...commit)) counter.add(value, { ...labels })
      }
    }
    const unit = name.endsWith('_bytes') ? 'By' : 's'
    const advice = { explicitBucketBoundaries: [...buckets] }
    const histogram = meter.createHistogram(otelName(name), { description, unit, advice })
    return (...commit) => {
      for (const { value, labels } of read(...commit)) histogram.record(value, { ...labels })
    }
  })
  return (...commit) => {
    for (const record of records) record(...commit)
  }
}
