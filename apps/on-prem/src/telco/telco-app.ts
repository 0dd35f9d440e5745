import type { OnPremConfig } from '../config.ts'
import { openWarehouseApp, type WarehouseApp } from '../warehouse/warehouse-app.ts'
import { cleanCustomers, customerAsSent } from './customer-table.ts'

/** Customers: bronze and silver in the lake by year, month, day and hour; the newest state of each in the warehouse. */
export function openTelco(config: OnPremConfig): WarehouseApp {
  return openWarehouseApp(config, {
    name: 'telco',
    contract: cleanCustomers,
    warehouseTable: { contract: cleanCustomers, mode: 'upsert' },
    asSent: customerAsSent,
  })
}
