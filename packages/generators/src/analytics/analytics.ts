import { getContract } from '@sluice/schemas'
import { defineFeed, type Domain } from '../domain.ts'
import { createAnalyticsWorld } from './world.ts'

/** Users of a subscription product, as JSON of four types on one topic. */
export const analytics: Domain = Object.freeze({
  name: 'analytics',
  feeds: Object.freeze([
    defineFeed({ contract: getContract('analytics.AnalyticsEvent'), json: { times: 'iso', decimals: 'string' } }),
  ]),
  createWorld: createAnalyticsWorld,
})
