import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cleanCustomers } from '../src/telco/customer-table.ts'
import { buildGold } from '../src/telco/gold.ts'
import { never } from './memory-lake.ts'
import { openWarehouse, schemaDdl, type Warehouse } from './memory-warehouse.ts'

describe('gold of customers', () => {
  let warehouse: Warehouse
  beforeAll(async () => {
    warehouse = await openWarehouse()
  })
  afterAll(() => warehouse.close())
  beforeEach(async () => {
    await warehouse.rows(schemaDdl(cleanCustomers, 'telco', 'customers', ['customer_id']))
    await warehouse.rows(`insert into telco.customers (customer_id, gender, senior_citizen, partner, dependents, tenure, phone_service,
        internet_service, contract, monthly_charges, total_charges, updated_at, defaulted, tenure_band, has_internet,
        _topic, _partition, _offset, _ingested_at) values
      ('risky', 'Female', true, false, false, 5, true, 'Fiber optic', 'Month-to-month', 95.00, 400.00, '2026-01-05', 0, '0-11 months', true, 't', 0, 0, '2026-01-05'),
      ('loyal', 'Male', false, true, true, 60, true, 'DSL', 'Two year', 60.00, 3600.00, '2026-01-05', 0, '48+ months', true, 't', 0, 1, '2026-01-05'),
      ('new', 'Unknown', false, false, false, 0, true, 'No', 'Month-to-month', 20.00, 0.00, '2026-01-05', 2, '0-11 months', false, 't', 0, 2, '2026-01-05')`)
  })
  const build = () => buildGold(warehouse.connector, 'telco', never)

  it('scores customers and adds them up by contract, internet service and tenure band', async () => {
    const report = await build()
    expect([report.ok, report.built.map(({ name }) => name)]).toEqual([
      true,
      ['customer_features', 'aggregates', 'churn_segments'],
    ])
    // risky: 35 month-to-month, 25 first year, 15 fiber, 10 above 80, 5 dearer than before, 5 alone, 5 senior.
    expect(
      await warehouse.rows(`select customer_id, average_month::text as avg, charge_trend::text as trend, churn_score, churn_risk
        from telco.gold_customer_features order by customer_id`),
    ).toEqual([
      { customer_id: 'loyal', avg: '60.00', trend: '1.0000', churn_score: 0, churn_risk: 'low' },
      { customer_id: 'new', avg: '0.00', trend: null, churn_score: 65, churn_risk: 'high' },
      { customer_id: 'risky', avg: '80.00', trend: '1.1875', churn_score: 100, churn_risk: 'high' },
    ])
    expect(
      await warehouse.rows(`select dimension, value, customers::int as n, monthly_charges::text as m, high_risk_customers::int as h
        from telco.gold_customer_aggregates where dimension <> 'internet_service' order by dimension, value`),
    ).toEqual([
      { dimension: 'contract', value: 'Month-to-month', n: 2, m: '115.00', h: 2 },
      { dimension: 'contract', value: 'Two year', n: 1, m: '60.00', h: 0 },
      { dimension: 'tenure_band', value: '0-11 months', n: 2, m: '115.00', h: 2 },
      { dimension: 'tenure_band', value: '48+ months', n: 1, m: '60.00', h: 0 },
    ])
    expect((await warehouse.rows('select * from telco.gold_churn_segments')).length).toBe(3)
  })

  const spoilt: readonly (readonly [string, string])[] = [
    ['tenure_in_range', 'update telco.customers set tenure = -1'],
    ['charges_not_negative', 'update telco.customers set monthly_charges = -1'],
    ['new_customers_owe_nothing_yet', `update telco.customers set total_charges = 5 where tenure = 0`],
    ['known_categories', `update telco.customers set contract = 'Forever'`],
    ['not_from_the_future', `update telco.customers set updated_at = '2027-01-01'`],
    ['some_customers', 'delete from telco.customers'],
    [
      'one_row_per_customer',
      `alter table telco.customers drop constraint customers_pkey; update telco.customers set customer_id = 'same'`,
    ],
  ]
  it.each(spoilt)('keeps gold as it was when the rule %s is broken', async (rule, spoil) => {
    await build()
    const before = await warehouse.rows('select * from telco.gold_customer_features order by customer_id')
    await warehouse.rows(spoil)
    const report = await build()
    expect(report.ok).toBe(false)
    expect(report.rules.filter(({ violations }) => violations > 0).map(({ name }) => name)).toEqual([rule])
    expect(await warehouse.rows('select * from telco.gold_customer_features order by customer_id')).toEqual(before)
  })
})
