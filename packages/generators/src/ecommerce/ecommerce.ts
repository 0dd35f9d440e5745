import { getContract } from '@sluice/schemas'
import { defineFeed, type Domain } from '../domain.ts'
import { createEcommerceWorld } from './world.ts'

/** Shop users; `writerVersions: { 'ecommerce-events': 1 }` writes version 1 instead of 2. */
export const ecommerce: Domain = Object.freeze({
  name: 'ecommerce',
  feeds: Object.freeze([defineFeed({ contract: getContract('ecommerce.UserEvent') })]),
  createWorld: createEcommerceWorld,
})
