import { getContract } from '@sluice/schemas'
import { defineFeed, type Domain } from '../domain.ts'
import { createPharmaWorld } from './world.ts'

/** Batch production, its sensors, its laboratory and its deviations. The order is that of `pharmaFeed`. */
export const pharma: Domain = Object.freeze({
  name: 'pharma',
  feeds: Object.freeze([
    defineFeed({ contract: getContract('pharma.BatchStatus') }),
    defineFeed({ contract: getContract('pharma.SensorReading') }),
    defineFeed({ contract: getContract('pharma.LabResult') }),
    defineFeed({ contract: getContract('pharma.Deviation') }),
  ]),
  createWorld: createPharmaWorld,
})
