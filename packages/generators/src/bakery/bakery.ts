import { getContract } from '@sluice/schemas'
import { defineFeed, type Domain } from '../domain.ts'
import { createBakeryWorld } from './world.ts'

/** Six feeds of a chain of bakeries. The order is that of `bakeryFeed`. */
export const bakery: Domain = Object.freeze({
  name: 'bakery',
  feeds: Object.freeze([
    defineFeed({ contract: getContract('bakery.SalesEvent') }),
    defineFeed({ contract: getContract('bakery.InventoryUpdate') }),
    defineFeed({ contract: getContract('bakery.CustomerFeedback') }),
    defineFeed({ contract: getContract('bakery.Promotion') }),
    defineFeed({ contract: getContract('bakery.WeatherReading') }),
    defineFeed({ contract: getContract('bakery.EquipmentMetric') }),
  ]),
  createWorld: createBakeryWorld,
})
