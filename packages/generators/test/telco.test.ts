import { beforeAll, describe, expect, test } from 'vitest'
import { createSimulation, noFaults, type Row, type SimulatedRecord } from '../src/index.ts'

const records: SimulatedRecord[] = []
beforeAll(() => {
  const simulation = createSimulation(['telco.customers'], { seed: 'phones', count: 25_000, faults: noFaults })
  for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) records.push(...batch)
})

const states = () => records.map(({ row }) => row!)
const byCustomer = () =>
  Map.groupBy(
    states().sort((a, b) => Number((a['updated_at'] as bigint) - (b['updated_at'] as bigint))),
    (row) => row['customer_id'],
  )
const centsOf = (value: unknown) => Math.round(Number(value) * 100)

describe('states of customers', () => {
  test('decimals are written as exact numbers with two digits', () => {
    for (const { value, row } of records.slice(0, 3000)) {
      const text = new TextDecoder().decode(value!)
      expect(text).toContain(`"monthly_charges":${row!['monthly_charges'] as string},`)
      expect(row!['monthly_charges']).toMatch(/^\d+\.\d\d$/)
    }
  })

  test('each customer is sent about once in the first day and a month, tenure and charges only grow', () => {
    const customers = byCustomer()
    expect(customers.size).toBeGreaterThan(2000)
    let bills = 0
    for (const list of customers.values()) {
      for (let i = 1; i < list.length; i++) {
        const [before, after] = [list[i - 1]!, list[i]!]
        const months = Number(after['tenure']) - Number(before['tenure'])
        if (months < 0 || months > 1) throw new Error(`tenure moved by ${months}`)
        bills += months
        if (before['total_charges'] === null || after['total_charges'] === null) continue
        const paid = centsOf(after['total_charges']) - centsOf(before['total_charges'])
        const unseen = i >= 2 && list[i - 2]!['total_charges'] === null
        if (paid < 0 || (months === 0 && paid !== 0)) throw new Error('charged without a bill')
        if (months === 1 && !unseen) expect(paid).toBe(centsOf(after['monthly_charges']))
      }
    }
    expect(bills / states().length).toBeGreaterThan(0.5)
    const firstDay = states().filter((row) => Number(row['updated_at']) < Date.UTC(2026, 0, 6))
    expect(new Set(firstDay.map((row) => row['customer_id'])).size).toBeGreaterThan(1990)
  })

  test('total_charges is missing before the first bill, and else in 8 % of states: absent more often than null', () => {
    let absent = 0
    let isNull = 0
    let billed = 0
    for (const { value, row } of records) {
      const json = JSON.parse(new TextDecoder().decode(value!)) as Row
      const has = 'total_charges' in json
      if (row!['tenure'] === 0) {
        expect(has).toBe(false)
        continue
      }
      billed++
      if (!has) absent++
      else if (json['total_charges'] === null) isNull++
    }
    // Of about 24,000: four standard deviations are 0.006 and 0.005.
    expect(Math.abs(absent / billed - 0.05)).toBeLessThan(0.006)
    expect(Math.abs(isNull / billed - 0.03)).toBeLessThan(0.005)
  })

  test('some attributes were never learned; they stay null for the customer', () => {
    for (const field of ['gender', 'senior_citizen', 'partner', 'dependents', 'email']) {
      const share = [...byCustomer().values()].map((list) => {
        const nulls = list.filter((row) => row[field] === null).length
        if (nulls !== 0 && nulls !== list.length) throw new Error(`${field} was known at times`)
        return nulls > 0 ? 1 : 0
      })
      const rate = share.reduce<number>((sum, each) => sum + each, 0) / share.length
      // 1.5 % of about 2,300 customers: four standard deviations are 0.01.
      expect(Math.abs(rate - 0.015), field).toBeLessThan(0.01)
    }
  })

  test('services, contracts and contacts change; some newer states arrive before older ones', () => {
    const changed: Record<string, number> = {}
    for (const list of byCustomer().values()) {
      for (let i = 1; i < list.length; i++) {
        for (const field of ['internet_service', 'contract', 'email', 'last_name', 'phone_service']) {
          if (list[i]![field] !== list[i - 1]![field]) changed[field] = (changed[field] ?? 0) + 1
        }
        const { internet_service, phone_service } = list[i]!
        if (internet_service === 'No' && phone_service !== true) throw new Error('a customer without any service')
      }
    }
    for (const field of ['internet_service', 'contract', 'email', 'last_name', 'phone_service']) {
      expect(changed[field], field).toBeGreaterThan(50)
    }
    const newest = new Map<unknown, bigint>()
    let overtaken = 0
    for (const row of states()) {
      const time = row['updated_at'] as bigint
      const before = newest.get(row['customer_id']) ?? 0n
      if (time < before) overtaken++
      else newest.set(row['customer_id'], time)
    }
    expect(overtaken).toBeGreaterThan(20)
  })
})
