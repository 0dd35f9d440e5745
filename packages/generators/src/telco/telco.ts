import { getContract } from '@sluice/schemas'
import { defineFeed, type Domain } from '../domain.ts'
import { createTelcoWorld } from './world.ts'

/** States of customers of a telecommunications provider, as JSON. */
export const telco: Domain = Object.freeze({
  name: 'telco',
  feeds: Object.freeze([
    defineFeed({ contract: getContract('telco.Customer'), json: { times: 'iso', decimals: 'number' } }),
  ]),
  createWorld: createTelcoWorld,
})
