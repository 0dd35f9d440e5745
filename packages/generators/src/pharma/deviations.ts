import type { Row } from '../domain.ts'
import { createWeightedPick, type Random } from '../prng.ts'
import type { Batch } from './batch.ts'

const hourMs = 60 * 60_000
const dayMs = 24 * hourMs

type DeviationStatus = 'OPEN' | 'INVESTIGATING' | 'CAPA_IN_PROGRESS' | 'CLOSED' | 'CANCELLED'
type CapaState = 'PLANNED' | 'IN_PROGRESS' | 'IMPLEMENTED' | 'VERIFIED' | 'INEFFECTIVE'
type Severity = 'MINOR' | 'MAJOR' | 'CRITICAL'

interface Capa {
  readonly id: string
  readonly kind: 'CORRECTIVE' | 'PREVENTIVE' | 'BOTH'
  readonly ownerId: string
  readonly description: string
  readonly plannedAt: number
  readonly dueAt: number
  state: CapaState
  implementedAt: number | null
  verifiedAt: number | null
}

interface Deviation {
  readonly id: string
  readonly batch: Batch
  readonly sensorId: string | null
  readonly testId: string | null
  readonly category: 'ENVIRONMENT' | 'EQUIPMENT' | 'LABORATORY' | 'PROCESS'
  readonly severity: Severity
  readonly description: string
  readonly openedBy: string
  readonly openedAt: number
  readonly dueAt: number
  status: DeviationStatus
  investigationStartedAt: number | null
  rootCause: string | null
  disposition: 'RELEASE' | 'REWORK' | 'REJECT' | null
  closedBy: string | null
  closedAt: number | null
  capa: Capa | null
  nextChange: number
}

const pickSeverity = createWeightedPick([70, 24, 6])
const severities = ['MINOR', 'MAJOR', 'CRITICAL'] as const
const daysToClose: Readonly<Record<Severity, number>> = { MINOR: 30, MAJOR: 20, CRITICAL: 10 }
const rootCauses = [
  'Filter of the air handling clogged',
  'Sensor out of calibration',
  'Tooling worn',
  'Granulate too moist',
  'Procedure not followed',
  'Sampling error',
]
const qualityStaff = ['QA-201', 'QA-202', 'QA-203'] as const
/** Most deviations open at once, so that memory stays bounded; beyond it no new ones are opened. */
const mostOpen = 500

/**
 * Deviations from opening to closure. A failed test opens one always, a reading out of specification sometimes; it is
 * investigated, may get a CAPA that is planned, carried out, implemented and verified, and is closed. Few are cancelled.
 */
export function createDeviations(options: { readonly random: Random; readonly emit: (row: Row, at: number) => void }) {
  const { random, emit } = options
  let open: Deviation[] = []
  let day = ''
  let numberOfDay = 0
  let capaOfDay = 0

  function dated(prefix: string, at: number, next: () => number): string {
    const today = new Date(at).toISOString().slice(0, 10).replaceAll('-', '')
    if (today !== day) {
      day = today
      numberOfDay = 0
      capaOfDay = 0
    }
    return `${prefix}-${today}-${String(next()).padStart(4, '0')}`
  }

  function report(d: Deviation, at: number): void {
    const { capa } = d
    const time = (value: number | null) => (value === null ? null : BigInt(value))
    emit(
      {
        deviation_id: d.id,
        batch_id: d.batch.id,
        product_id: d.batch.productId,
        equipment_id: d.batch.equipmentId,
        sensor_id: d.sensorId,
        test_id: d.testId,
        category: d.category,
        severity: d.severity,
        status: d.status,
        description: d.description,
        opened_by: d.openedBy,
        opened_at: BigInt(d.openedAt),
        due_at: BigInt(d.dueAt),
        investigation_started_at: time(d.investigationStartedAt),
        root_cause: d.rootCause,
        batch_disposition: d.disposition,
        closed_by: d.closedBy,
        closed_at: time(d.closedAt),
        capa:
          capa === null
            ? null
            : {
                capa_id: capa.id,
                kind: capa.kind,
                state: capa.state,
                description: capa.description,
                owner_id: capa.ownerId,
                planned_at: BigInt(capa.plannedAt),
                due_at: BigInt(capa.dueAt),
                implemented_at: time(capa.implementedAt),
                verified_at: time(capa.verifiedAt),
              },
        event_timestamp: BigInt(at),
      },
      at + random.between(200, 60_000),
    )
  }

  function openNew(
    batch: Batch,
    at: number,
    from: Pick<Deviation, 'sensorId' | 'testId' | 'category' | 'description'>,
  ): void {
    if (open.length >= mostOpen) return
    const severity = severities[pickSeverity(random)]!
    const deviation: Deviation = {
      ...from,
      id: dated('DEV', at, () => ++numberOfDay),
      batch,
      severity,
      openedBy: batch.operatorId,
      openedAt: at,
      dueAt: at + daysToClose[severity] * dayMs,
      status: 'OPEN',
      investigationStartedAt: null,
      rootCause: null,
      disposition: null,
      closedBy: null,
      closedAt: null,
      capa: null,
      nextChange: at + random.between(1, 24) * hourMs,
    }
    open.push(deviation)
    report(deviation, at)
  }

  function close(d: Deviation, at: number): void {
    d.status = 'CLOSED'
    d.closedAt = at
    d.closedBy = random.pick(qualityStaff)
    d.rootCause ??= random.pick(rootCauses)
    d.disposition = random.pick(['RELEASE', 'RELEASE', 'RELEASE', 'REWORK', 'REJECT'])
  }

  function advanceCapa(d: Deviation, capa: Capa, at: number): void {
    switch (capa.state) {
      case 'PLANNED':
        capa.state = 'IN_PROGRESS'
        break
      case 'INEFFECTIVE':
        capa.state = 'IN_PROGRESS'
        capa.implementedAt = null
        break
      case 'IN_PROGRESS':
        capa.state = 'IMPLEMENTED'
        capa.implementedAt = at
        break
      case 'IMPLEMENTED':
        if (random.chance(0.1)) capa.state = 'INEFFECTIVE'
        else {
          capa.state = 'VERIFIED'
          capa.verifiedAt = at
        }
        break
      case 'VERIFIED':
        close(d, at)
        break
    }
    d.nextChange = at + random.between(12, 5 * 24) * hourMs
  }

  function change(d: Deviation, at: number): void {
    if (d.status === 'OPEN') {
      if (random.chance(0.03)) d.status = 'CANCELLED'
      else {
        d.status = 'INVESTIGATING'
        d.investigationStartedAt = at
        d.nextChange = at + random.between(8, 6 * 24) * hourMs
      }
    } else if (d.status === 'INVESTIGATING') {
      d.rootCause = random.pick(rootCauses)
      if (random.chance(d.severity === 'MINOR' ? 0.3 : 0.9)) {
        d.status = 'CAPA_IN_PROGRESS'
        d.capa = {
          id: dated('CAPA', at, () => ++capaOfDay),
          kind: random.pick(['CORRECTIVE', 'PREVENTIVE', 'BOTH']),
          ownerId: random.pick(qualityStaff),
          description: `Against: ${d.rootCause}`,
          plannedAt: at,
          dueAt: at + random.between(7, 30) * dayMs,
          state: 'PLANNED',
          implementedAt: null,
          verifiedAt: null,
        }
        d.nextChange = at + random.between(4, 48) * hourMs
      } else close(d, at)
    } else if (d.capa !== null) advanceCapa(d, d.capa, at)
    report(d, at)
  }

  return {
    fromTest(batch: Batch, testId: string, at: number): void {
      openNew(batch, at, {
        sensorId: null,
        testId,
        category: 'LABORATORY',
        description: `Result of ${testId} out of specification`,
      })
    },
    fromSensor(batch: Batch, sensorId: string, at: number): void {
      if (!random.chance(0.04)) return
      const category = random.pick(['ENVIRONMENT', 'EQUIPMENT', 'PROCESS'] as const)
      openNew(batch, at, {
        sensorId,
        testId: null,
        category,
        description: `Reading of ${sensorId} out of specification`,
      })
    },
    advance(at: number): void {
      let ended = false
      for (const d of open) {
        if (at < d.nextChange) continue
        change(d, at)
        ended ||= d.status === 'CLOSED' || d.status === 'CANCELLED'
      }
      if (ended) open = open.filter((d) => d.status !== 'CLOSED' && d.status !== 'CANCELLED')
    },
  }
}
