import type { Command } from '@sluice/runtime'
import { withWarehouse } from '../parts/warehouse.ts'
import { addDomain, type DomainContext, type DomainEnvironment } from '../warehouse/domain-commands.ts'
import { JobError } from '../warehouse/errors.ts'
import { buildGold } from './gold.ts'
import { customerSilver, refreshCustomers } from './silver.ts'
import { openTelco } from './telco-app.ts'

const newest = '"updated_at" desc, _offset desc, _partition desc'

async function gold({ app, signal, print }: DomainContext): Promise<void> {
  const report = await withWarehouse(app.config, (connector) => buildGold(connector, app.schema, signal))
  const broken = report.rules.filter(({ violations }) => violations > 0)
  for (const { name, about, violations } of broken) print(`rule ${name} is broken by ${violations} rows: ${about}\n`)
  if (!report.ok) throw new JobError('RULES_BROKEN', `${broken.length} of ${report.rules.length} rules are broken`)
  const built = report.built.map(({ name, ms }) => `${name} (${ms} ms)`).join(', ')
  print(`gold: ${report.rules.length} rules hold; built ${built}\n`)
}

/** `on-prem telco ...` */
export function addTelco(program: Command, env: DomainEnvironment): void {
  addDomain(
    program,
    {
      name: 'telco',
      description: 'telco customers: newest state of each, churn features',
      commitEveryMs: 60_000,
      open: openTelco,
      silver: refreshCustomers,
      silverRule: { table: customerSilver, key: 'customer_id', order: newest, late: true },
      warehouseRule: { key: 'customer_id', order: newest },
      addJobs(parent, add) {
        add(parent, 'gold', 'check the business rules, then build aggregates and churn features', gold)
      },
      demoJob: gold,
    },
    env,
  )
}
