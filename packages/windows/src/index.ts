export { WindowError, windowErrors, type WindowErrorCode } from './errors.ts'
export { createExactSum, type ExactSum } from './exact-sum.ts'
export type { GroupValue } from './group-codes.ts'
export { createGroupedTotals, type GroupedTotals, type GroupTotal, type TotalsOptions } from './grouped-totals.ts'
export { windowDefaults, type Aggregate, type WindowOptions } from './options.ts'
export {
  createTumblingWindows,
  type TumblingWindows,
  type WindowCounts,
  type WindowResult,
} from './tumbling-windows.ts'
