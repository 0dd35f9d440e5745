import type { OnPremConfig } from '../config.ts'
import { openWarehouseApp, type WarehouseApp } from '../warehouse/warehouse-app.ts'
import { carriedEvents, eventSource, flatEvents } from './event-table.ts'

/** Events: as they came in bronze, by date and type; one for each idempotency key in the warehouse. */
export function openAnalytics(config: OnPremConfig): WarehouseApp {
  return openWarehouseApp(config, {
    name: 'analytics',
    contract: carriedEvents,
    lakeContract: eventSource,
    warehouseTable: { contract: flatEvents, mode: 'insert-ignore', key: ['idempotency_key'] },
  })
}
