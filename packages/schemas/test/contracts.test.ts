import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import prettier from 'prettier'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  arrowSchemaOf,
  columnSchemas,
  contractByTopic,
  contracts,
  generateArtefacts,
  getContract,
  lineageFields,
  loadContracts,
  parseSchema,
  postgresDdl,
  postgresTables,
  quoteIdentifier,
  type Contract,
} from '../src/index.ts'

const packageFolder = fileURLToPath(new URL('../', import.meta.url))
const builtIn = join(packageFolder, 'contracts')

/** `name type` per field, as SPEC.md lists them. */
function shape(contract: Contract, version = contract.versions.length): string[] {
  const text = (type: unknown): string => {
    if (Array.isArray(type)) return type.map(text).join('|')
    if (typeof type === 'string') return type
    const { type: kind, name, symbols, logicalType } = type as Record<string, unknown>
    return kind === 'enum'
      ? `enum ${String(name)}{${(symbols as string[]).join(', ')}}`
      : ((logicalType ?? kind) as string)
  }
  const { fields } = contract.versions[version - 1]!.schema as unknown as { fields: Record<string, unknown>[] }
  return fields.map(
    (f) => `${String(f['name'])} ${text(f['type'])}${'default' in f ? ` = ${JSON.stringify(f['default'])}` : ''}`,
  )
}

describe('given schemas are exact', () => {
  it('pharma', () => {
    expect(parseSchema(contracts['pharma.BatchStatus'].schema)).toMatchObject({
      name: 'com.pharma.production.BatchStatus',
    })
    expect(shape(contracts['pharma.BatchStatus'])).toEqual([
      'batch_id string',
      'product_id string',
      'status enum BatchStatusEnum{QUEUED, IN_PROGRESS, COMPLETED, FAILED, ON_HOLD}',
      'equipment_id string',
      'batch_size double',
      'start_time timestamp-millis',
      'end_time null|timestamp-millis = null',
      'operator_id string',
      'event_timestamp timestamp-millis',
    ])
    expect(parseSchema(contracts['pharma.SensorReading'].schema)).toMatchObject({
      name: 'com.pharma.equipment.SensorReading',
    })
    expect(shape(contracts['pharma.SensorReading'])).toEqual([
      'sensor_id string',
      'batch_id string',
      'equipment_id string',
      'sensor_type enum SensorTypeEnum{TEMPERATURE, HUMIDITY, PRESSURE, VIBRATION}',
      'value double',
      'unit string',
      'specification_min double',
      'specification_max double',
      'is_out_of_spec boolean',
      'reading_timestamp timestamp-millis',
    ])
    expect(parseSchema(contracts['pharma.LabResult'].schema)).toMatchObject({ name: 'com.pharma.quality.LabResult' })
    expect(shape(contracts['pharma.LabResult'])).toEqual([
      'test_id string',
      'batch_id string',
      'test_name string',
      'test_result double',
      'unit string',
      'specification_min double',
      'specification_max double',
      'pass_fail enum TestResultEnum{PASS, FAIL, CONDITIONAL}',
      'analyst_id string',
      'test_timestamp timestamp-millis',
    ])
  })

  it('e-commerce, both versions', () => {
    const v1 = [
      'event_id string',
      'user_id string',
      'event_type enum EventType{PAGE_VIEW, ADD_TO_CART, REMOVE_FROM_CART, PURCHASE, SEARCH}',
      'timestamp long',
      'session_id string',
    ]
    expect(parseSchema(contracts['ecommerce.UserEvent'].schema)).toMatchObject({
      name: 'com.ecommerce.events.UserEvent',
    })
    expect(shape(contracts['ecommerce.UserEvent'], 1)).toEqual(v1)
    expect(shape(contracts['ecommerce.UserEvent'], 2)).toEqual([
      ...v1,
      'product_id null|string = null',
      'product_name null|string = null',
      'price null|double = null',
      'category null|string = null',
      'device_type null|enum DeviceType{MOBILE, DESKTOP, TABLET} = null',
      'country null|string = null',
    ])
    expect(contracts['ecommerce.UserEvent']).toMatchObject({
      topic: 'ecommerce-events',
      key: ['user_id'],
      eventTimeUnit: 'milli',
    })
  })

  it('five domains, the topics of SPEC, and 48 hours for inventory', () => {
    expect(
      Object.values(contracts)
        .map((contract) => contract.topic)
        .sort(),
    ).toEqual([
      'bakery.customer_feedback',
      'bakery.equipment_metrics',
      'bakery.inventory_updates',
      'bakery.promotions',
      'bakery.sales_events',
      'bakery.weather_data',
      'ecommerce-events',
      'events_raw',
      'pharma.batch_status',
      'pharma.deviations',
      'pharma.lab_results',
      'pharma.sensor_data',
      'sluice.dead_letters',
      'telco.customers',
    ])
    expect(contracts['bakery.InventoryUpdate'].latenessMs).toBe(48 * 3_600_000)
  })
})

describe('generated artefacts', () => {
  it('are fresh: the generator would change nothing', async () => {
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, ['--conditions=sluice-source', 'src/generate/main.ts', '--check'], {
      cwd: packageFolder,
    })
    expect(stdout).toBe('')
  })

  it('are in the format of the house', async () => {
    const options = { ...(await prettier.resolveConfig(join(packageFolder, 'README.md'))), parser: 'typescript' }
    for (const [file, text] of generateArtefacts(Object.values(contracts)).modules) {
      expect(await prettier.check(text, options), file).toBe(true)
    }
  })

  it('equal what the functions make of the contracts, and what loading the files gives', async () => {
    expect(await loadContracts(builtIn)).toEqual(Object.values(contracts))
    for (const name of Object.keys(contracts) as (keyof typeof contracts)[]) {
      expect(columnSchemas[name]).toEqual(arrowSchemaOf(contracts[name]))
      expect(postgresTables[name].trim()).toBe(postgresDdl(contracts[name]).trim())
      expect(Object.isFrozen(contracts[name].rules)).toBe(true)
    }
  })

  it('have one field id per column, nested ones and lineage included', () => {
    for (const contract of Object.values(contracts)) {
      const ids = [...Object.values(contract.fieldIds), ...lineageFields.map((field) => field.fieldId)]
      expect(new Set(ids).size).toBe(ids.length)
    }
    const lines = columnSchemas['bakery.SalesEvent'].fields.find((field) => field.name === 'lines')!
    expect(lines.type).toMatchObject({ kind: 'list', item: { name: 'element', fieldId: 18, type: { kind: 'struct' } } })
  })
})

describe('getContract', () => {
  it('finds by name, and names the nearest otherwise', () => {
    expect(getContract('bakery.SalesEvent').table).toBe('sales_events')
    expect(() => getContract('bakery.SaleEvents')).toThrow(/CONTRACT_UNKNOWN.*did you mean bakery\.SalesEvent\?/)
    expect(() => getContract('__proto__')).toThrow(/CONTRACT_UNKNOWN/)
    expect(contractByTopic('events_raw')?.name).toBe('analytics.AnalyticsEvent')
    expect(contractByTopic('nope')).toBeUndefined()
  })
})

describe('loading', () => {
  let folder: string
  const sales = (): string => join(folder, 'bakery', 'Promotion')

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-contracts-'))
    await cp(join(builtIn, 'bakery', 'Promotion'), sales(), { recursive: true })
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function edit(file: string, change: (json: Record<string, unknown>) => void): Promise<void> {
    const path = join(sales(), file)
    const json = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    change(json)
    await writeFile(path, JSON.stringify(json))
  }

  it('needs one .avsc and contract.json for a new contract, and generates modules for it', async () => {
    await rm(join(sales(), 'field-ids.json'))
    expect((await readdir(sales())).sort()).toEqual(['contract.json', 'v1.avsc'])
    const [contract] = await loadContracts(folder)
    expect(contract?.fieldIds).toMatchObject({ event_id: 1, 'store_ids.element': 16 })
    const { modules, dictionary, fieldIds } = generateArtefacts([contract!])
    expect([...modules.keys()]).toEqual(['bakery/promotion.ts', 'index.ts'])
    expect(modules.get('bakery/promotion.ts')).toContain("from '@sluice/schemas'")
    expect(dictionary.get('bakery')).toContain('rule_ends_after_start')
    expect(JSON.parse(fieldIds.get('bakery.Promotion')!)).toEqual(contract?.fieldIds)
  })

  it('keeps field ids over versions: new fields above, gone ones reserved, renamed ones by alias', async () => {
    await writeFile(join(sales(), 'v2.avsc'), await readFile(join(sales(), 'v1.avsc')))
    await edit('v2.avsc', (json) => {
      const fields = json['fields'] as Record<string, unknown>[]
      json['fields'] = [
        { name: 'brand_new', type: 'int', default: 0 },
        ...fields
          .filter((field) => field['name'] !== 'coupon_code')
          .map((field) =>
            field['name'] === 'store_ids' ? { ...field, name: 'shop_ids', aliases: ['store_ids'] } : field,
          ),
      ]
    })
    const [before] = Object.values(contracts).filter((contract) => contract.name === 'bakery.Promotion')
    const [after] = await loadContracts(folder)
    expect(after!.fieldIds).toMatchObject(before!.fieldIds)
    expect(after!.fieldIds['brand_new']).toBe(18)
    expect(after!.fieldIds['shop_ids']).toBe(before!.fieldIds['store_ids'])
    expect(after!.fieldIds['shop_ids.element']).toBe(before!.fieldIds['store_ids.element'])
  })

  it.each([
    [
      'an unknown key',
      (json: Record<string, unknown>) => {
        json['topics'] = 'x'
      },
      /topics/,
    ],
    [
      'an unknown key field',
      (json: Record<string, unknown>) => {
        json['key'] = ['nope']
      },
      /key: the schema has no field nope/,
    ],
    [
      'a nullable key',
      (json: Record<string, unknown>) => {
        json['key'] = ['coupon_code']
      },
      /never null/,
    ],
    [
      'a bad duration',
      (json: Record<string, unknown>) => {
        json['lateness'] = '2 days'
      },
      /lateness/,
    ],
    [
      'a text event time',
      (json: Record<string, unknown>) => {
        json['eventTime'] = 'name'
      },
      /eventTime/,
    ],
    [
      'a contradicting unit',
      (json: Record<string, unknown>) => {
        json['eventTimeUnit'] = 'milli'
      },
      /eventTime/,
    ],
    [
      'pii of no field',
      (json: Record<string, unknown>) => {
        json['pii'] = { nope: 'direct' }
      },
      /nope/,
    ],
    ['a rule on no field', rule({ field: 'nope', min: 1 }), /no field nope/],
    ['bounds on text', rule({ field: 'name', min: 1 }), /bounds are for numbers/],
    ['an unknown symbol', rule({ field: 'kind', oneOf: ['FREE'] }), /FREE is not a symbol/],
    ['an unknown condition', rule({ field: 'name', required: true, when: { kind: ['FREE'] } }), /FREE is not a symbol/],
    ['a pattern that SQL reads otherwise', rule({ field: 'name', pattern: '^\\d+$' }), /read alike/],
    ['a look-ahead', rule({ field: 'name', pattern: '^(?=a)' }), /read alike/],
    ['a broken pattern', rule({ field: 'name', pattern: '^(a$' }), /read alike/],
    ['a comparison of two types', rule({ field: 'starts_at', notBefore: 'updated_at' }), /of one type/],
    ['a rule without a check', rule({ field: 'name' }), /must check something/],
  ] as [string, (json: Record<string, unknown>) => void, RegExp][])('refuses %s', async (_, change, message) => {
    await edit('contract.json', change)
    await expect(loadContracts(folder)).rejects.toThrow(message)
    await expect(loadContracts(folder)).rejects.toMatchObject({ code: 'CONTRACT_INVALID' })
  })

  function rule(parts: object): (json: Record<string, unknown>) => void {
    return (json) => {
      json['rules'] = [{ name: 'under_test', ...parts }]
    }
  }

  it('refuses names that fold together (input 13), a gap in versions, and a version that cannot be read', async () => {
    await edit('v1.avsc', (json) => (json['fields'] as object[]).push({ name: 'Name', type: 'string' }))
    await expect(loadContracts(folder)).rejects.toThrow(/SCHEMA_NAMES_CLASH.*name and Name/)
    await cp(join(builtIn, 'bakery', 'Promotion', 'v1.avsc'), join(sales(), 'v1.avsc'))
    await writeFile(join(sales(), 'v3.avsc'), await readFile(join(sales(), 'v1.avsc')))
    await expect(loadContracts(folder)).rejects.toThrow(/without a gap/)
    await writeFile(join(sales(), 'v2.avsc'), await readFile(join(sales(), 'v1.avsc')))
    await edit('v3.avsc', (json) => (json['fields'] as object[]).push({ name: 'needed', type: 'string' }))
    await expect(loadContracts(folder)).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE', path: 'needed' })
  })

  it('refuses topics that differ only by . and _ (input 41)', async () => {
    await cp(sales(), join(folder, 'other', 'Promotion2'), { recursive: true })
    const avsc = join(folder, 'other', 'Promotion2', 'v1.avsc')
    await writeFile(avsc, (await readFile(avsc, 'utf8')).replace('"name": "Promotion"', '"name": "Promotion2"'))
    const json = join(folder, 'other', 'Promotion2', 'contract.json')
    await writeFile(json, (await readFile(json, 'utf8')).replace('"bakery.promotions"', '"bakery_promotions"'))
    await expect(loadContracts(folder)).rejects.toThrow(/bakery\.Promotion and other\.Promotion2 have the same topic/)
  })
})

describe('Postgres DDL', () => {
  it('quotes by doubling and refuses what Postgres would cut (input 14)', () => {
    expect(quoteIdentifier('a"; DROP TABLE x; --')).toBe('"a""; DROP TABLE x; --"')
    expect(() => quoteIdentifier('x'.repeat(64))).toThrow(TypeError)
    expect(() => quoteIdentifier('a\0')).toThrow(TypeError)
  })

  it('takes schema, table and key', () => {
    const ddl = postgresDdl(contracts['telco.Customer'], { schema: 'silver', table: 'c', primaryKey: ['customer_id'] })
    expect(ddl).toContain('CREATE TABLE IF NOT EXISTS "silver"."c"')
    expect(ddl).toContain('PRIMARY KEY ("customer_id")')
    expect(ddl).toContain('"monthly_charges" numeric(10, 2)')
  })
})
