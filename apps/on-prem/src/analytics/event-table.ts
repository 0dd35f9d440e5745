import { deriveContract, getContract, type Contract, type DeriveStep } from '@sluice/schemas'

/** What is on the topic, and what bronze keeps. */
export const eventSource: Contract = getContract('analytics.AnalyticsEvent')

const copies: readonly DeriveStep[] = [
  { op: 'copy', from: 'device.type', as: 'device_type' },
  { op: 'copy', from: 'device.os', as: 'device_os' },
  { op: 'copy', from: 'device.browser', as: 'device_browser' },
  { op: 'copy', from: 'device.app_version', as: 'device_app_version' },
  { op: 'copy', from: 'payload.plan', as: 'plan' },
  { op: 'copy', from: 'payload.url', as: 'url' },
  { op: 'copy', from: 'payload.referrer', as: 'referrer' },
  { op: 'copy', from: 'payload.amount', as: 'amount' },
  { op: 'copy', from: 'payload.currency', as: 'currency' },
  { op: 'copy', from: 'payload.failure_reason', as: 'failure_reason' },
]

/** What the pipeline carries: the records as they came, and their parts as columns. Bronze takes the first, PostgreSQL the second. */
export const carriedEvents: Contract = deriveContract(eventSource, {
  event: 'CarriedEvent',
  version: 1,
  steps: copies,
  rules: [],
})

/** An event as a flat row, for tables of a warehouse. */
export const flatEvents: Contract = deriveContract(eventSource, {
  event: 'FlatEvent',
  version: 1,
  description: 'Events of the analytics platform, flat, one for each idempotency key',
  steps: [...copies, { op: 'drop', field: 'device' }, { op: 'drop', field: 'payload' }],
  rules: [],
})
