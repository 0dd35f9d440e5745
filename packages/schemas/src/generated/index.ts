// Generated from the folder of contracts by @sluice/schemas. Do not edit.
import type { Schema } from '@sluice/columnar'
import type { z } from 'zod'
import type { Contract } from '../generated-support.ts'
import {
  analyticsEventColumns,
  analyticsEventContract,
  analyticsEventPostgresDdl,
  analyticsEventValidator,
  type AnalyticsEvent,
} from './analytics/analytics-event.ts'
import {
  customerFeedbackColumns,
  customerFeedbackContract,
  customerFeedbackPostgresDdl,
  customerFeedbackValidator,
  type CustomerFeedback,
} from './bakery/customer-feedback.ts'
import {
  equipmentMetricColumns,
  equipmentMetricContract,
  equipmentMetricPostgresDdl,
  equipmentMetricValidator,
  type EquipmentMetric,
} from './bakery/equipment-metric.ts'
import {
  inventoryUpdateColumns,
  inventoryUpdateContract,
  inventoryUpdatePostgresDdl,
  inventoryUpdateValidator,
  type InventoryUpdate,
} from './bakery/inventory-update.ts'
import {
  promotionColumns,
  promotionContract,
  promotionPostgresDdl,
  promotionValidator,
  type Promotion,
} from './bakery/promotion.ts'
import {
  salesEventColumns,
  salesEventContract,
  salesEventPostgresDdl,
  salesEventValidator,
  type SalesEvent,
} from './bakery/sales-event.ts'
import {
  weatherReadingColumns,
  weatherReadingContract,
  weatherReadingPostgresDdl,
  weatherReadingValidator,
  type WeatherReading,
} from './bakery/weather-reading.ts'
import {
  userEventColumns,
  userEventContract,
  userEventPostgresDdl,
  userEventValidator,
  type UserEvent,
} from './ecommerce/user-event.ts'
import {
  batchStatusColumns,
  batchStatusContract,
  batchStatusPostgresDdl,
  batchStatusValidator,
  type BatchStatus,
} from './pharma/batch-status.ts'
import {
  deviationColumns,
  deviationContract,
  deviationPostgresDdl,
  deviationValidator,
  type Deviation,
} from './pharma/deviation.ts'
import {
  labResultColumns,
  labResultContract,
  labResultPostgresDdl,
  labResultValidator,
  type LabResult,
} from './pharma/lab-result.ts'
import {
  sensorReadingColumns,
  sensorReadingContract,
  sensorReadingPostgresDdl,
  sensorReadingValidator,
  type SensorReading,
} from './pharma/sensor-reading.ts'
import {
  deadLetterColumns,
  deadLetterContract,
  deadLetterPostgresDdl,
  deadLetterValidator,
  type DeadLetter,
} from './sluice/dead-letter.ts'
import {
  customerColumns,
  customerContract,
  customerPostgresDdl,
  customerValidator,
  type Customer,
} from './telco/customer.ts'

export type {
  AnalyticsEvent,
  CustomerFeedback,
  EquipmentMetric,
  InventoryUpdate,
  Promotion,
  SalesEvent,
  WeatherReading,
  UserEvent,
  BatchStatus,
  Deviation,
  LabResult,
  SensorReading,
  DeadLetter,
  Customer,
}

/** Row type of each contract. */
export interface ContractRows {
  'analytics.AnalyticsEvent': AnalyticsEvent
  'bakery.CustomerFeedback': CustomerFeedback
  'bakery.EquipmentMetric': EquipmentMetric
  'bakery.InventoryUpdate': InventoryUpdate
  'bakery.Promotion': Promotion
  'bakery.SalesEvent': SalesEvent
  'bakery.WeatherReading': WeatherReading
  'ecommerce.UserEvent': UserEvent
  'pharma.BatchStatus': BatchStatus
  'pharma.Deviation': Deviation
  'pharma.LabResult': LabResult
  'pharma.SensorReading': SensorReading
  'sluice.DeadLetter': DeadLetter
  'telco.Customer': Customer
}

export type ContractName = keyof ContractRows

/** Every contract by name. */
export const contracts: Readonly<Record<ContractName, Contract>> = {
  'analytics.AnalyticsEvent': analyticsEventContract,
  'bakery.CustomerFeedback': customerFeedbackContract,
  'bakery.EquipmentMetric': equipmentMetricContract,
  'bakery.InventoryUpdate': inventoryUpdateContract,
  'bakery.Promotion': promotionContract,
  'bakery.SalesEvent': salesEventContract,
  'bakery.WeatherReading': weatherReadingContract,
  'ecommerce.UserEvent': userEventContract,
  'pharma.BatchStatus': batchStatusContract,
  'pharma.Deviation': deviationContract,
  'pharma.LabResult': labResultContract,
  'pharma.SensorReading': sensorReadingContract,
  'sluice.DeadLetter': deadLetterContract,
  'telco.Customer': customerContract,
}

/** Validators of types and rules, by contract name. */
export const validators: { readonly [Name in ContractName]: z.ZodType<ContractRows[Name]> } = {
  'analytics.AnalyticsEvent': analyticsEventValidator,
  'bakery.CustomerFeedback': customerFeedbackValidator,
  'bakery.EquipmentMetric': equipmentMetricValidator,
  'bakery.InventoryUpdate': inventoryUpdateValidator,
  'bakery.Promotion': promotionValidator,
  'bakery.SalesEvent': salesEventValidator,
  'bakery.WeatherReading': weatherReadingValidator,
  'ecommerce.UserEvent': userEventValidator,
  'pharma.BatchStatus': batchStatusValidator,
  'pharma.Deviation': deviationValidator,
  'pharma.LabResult': labResultValidator,
  'pharma.SensorReading': sensorReadingValidator,
  'sluice.DeadLetter': deadLetterValidator,
  'telco.Customer': customerValidator,
}

/** Columns with stable field ids, by contract name. */
export const columnSchemas: Readonly<Record<ContractName, Schema>> = {
  'analytics.AnalyticsEvent': analyticsEventColumns,
  'bakery.CustomerFeedback': customerFeedbackColumns,
  'bakery.EquipmentMetric': equipmentMetricColumns,
  'bakery.InventoryUpdate': inventoryUpdateColumns,
  'bakery.Promotion': promotionColumns,
  'bakery.SalesEvent': salesEventColumns,
  'bakery.WeatherReading': weatherReadingColumns,
  'ecommerce.UserEvent': userEventColumns,
  'pharma.BatchStatus': batchStatusColumns,
  'pharma.Deviation': deviationColumns,
  'pharma.LabResult': labResultColumns,
  'pharma.SensorReading': sensorReadingColumns,
  'sluice.DeadLetter': deadLetterColumns,
  'telco.Customer': customerColumns,
}

/** `CREATE TABLE` statements, by contract name. */
export const postgresTables: Readonly<Record<ContractName, string>> = {
  'analytics.AnalyticsEvent': analyticsEventPostgresDdl,
  'bakery.CustomerFeedback': customerFeedbackPostgresDdl,
  'bakery.EquipmentMetric': equipmentMetricPostgresDdl,
  'bakery.InventoryUpdate': inventoryUpdatePostgresDdl,
  'bakery.Promotion': promotionPostgresDdl,
  'bakery.SalesEvent': salesEventPostgresDdl,
  'bakery.WeatherReading': weatherReadingPostgresDdl,
  'ecommerce.UserEvent': userEventPostgresDdl,
  'pharma.BatchStatus': batchStatusPostgresDdl,
  'pharma.Deviation': deviationPostgresDdl,
  'pharma.LabResult': labResultPostgresDdl,
  'pharma.SensorReading': sensorReadingPostgresDdl,
  'sluice.DeadLetter': deadLetterPostgresDdl,
  'telco.Customer': customerPostgresDdl,
}
