import { clockCheck, diskCheck, topicsOf, type LakeApp } from '@sluice/app-kit'
import type { CheckResult, HealthCheck } from '@sluice/runtime'
import type { OnPremConfig } from '../config.ts'
import { kafkaChecks } from './kafka-checks.ts'
import { usesKafka } from './kafka.ts'
import { withWarehouse } from './warehouse.ts'

/** What every domain stands on beside its lake, for `doctor`. */
export function serviceChecks(config: OnPremConfig, app: LakeApp): HealthCheck[] {
  const { registry, store } = config
  return [
    ...(usesKafka(config) ? kafkaChecks(config, topicsOf(app)) : []),
    ...(registry.url === undefined ? [] : [clockCheck('registry', registry.url)]),
    ...(store.endpoint === undefined ? [] : [clockCheck('object store', store.endpoint)]),
    ...(app.files.kind === 'local' ? [diskCheck(app.files.root)] : []),
  ]
}

interface WarehouseFacts {
  readonly version: string
  readonly readOnly: boolean
  readonly mayCreate: boolean
  readonly mayStage: boolean
}

/** The warehouse answers, and its user may do what sink and jobs do. */
export function warehouseCheck(config: OnPremConfig): HealthCheck {
  return {
    name: 'warehouse',
    run: (signal) =>
      withWarehouse(config, async (connector) => {
        const session = await connector.session(signal)
        let broken = true
        try {
          const { rows } = await session.query(
            `SELECT current_setting('server_version') AS version,
               pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS read_only,
               has_database_privilege(current_database(), 'CREATE') AS may_create,
               has_database_privilege(current_database(), 'TEMPORARY') AS may_stage`,
          )
          broken = false
          const { version, read_only: readOnly, may_create: mayCreate, may_stage: mayStage } = rows[0]!
          return judgeWarehouse({
            version: String(version),
            readOnly: readOnly === true,
            mayCreate: mayCreate === true,
            mayStage: mayStage === true,
          })
        } finally {
          session.release(broken)
        }
      }),
  }
}

/** Pure. */
export function judgeWarehouse({ version, readOnly, mayCreate, mayStage }: WarehouseFacts): CheckResult {
  const found = `PostgreSQL ${version}`
  if (readOnly) {
    const advice = 'connect to the primary, or let the database be written to'
    return { outcome: 'fail', found: `${found} is read-only`, advice }
  }
  if (!mayStage) {
    const advice = 'grant temporary on database ... to ...: rows are staged before they are merged'
    return { outcome: 'fail', found: `${found}: the user may not make temporary tables`, advice }
  }
  if (!mayCreate) {
    const advice = 'grant create on database ... to ..., or make the schema yourself'
    return { outcome: 'warn', found: `${found}: the user may not make schemas`, advice }
  }
  return { outcome: 'ok', found: `${found}, may be written to` }
}
