import type { Row, World, WorldOptions } from '../domain.ts'
import { createDueQueue } from '../due-queue.ts'
import { createRandom, createWeightedPick } from '../prng.ts'
import type { Batch } from './batch.ts'
import { createDeviations } from './deviations.ts'
import { createLab, labIntervalMs } from './lab.ts'
import { createSensors, sensorIntervalMs } from './sensors.ts'

/** Order of the feeds in the domain. */
export const pharmaFeed = { batches: 0, sensors: 1, lab: 2, deviations: 3 } as const

const minuteMs = 60_000
const hourMs = 60 * minuteMs

const productIds = ['PROD-500MG', 'PROD-250MG', 'PROD-100MG'] as const
const operators = ['OP-101', 'OP-102', 'OP-103', 'OP-104'] as const
const sizes = [100, 150, 200, 250] as const

const pickEnd = createWeightedPick([93, 3, 4])
const ends = ['COMPLETED', 'FAILED', 'ON_HOLD'] as const

/**
 * Production lines, minute by minute: one batch at a time per equipment, from QUEUED through IN_PROGRESS to COMPLETED; a
 * few fail or are put on hold and go on. Sensors read and the laboratory tests only while a batch runs.
 */
export function createPharmaWorld(options: WorldOptions): World {
  const { seed, scale } = options
  const start = Math.floor(options.start / minuteMs) * minuteMs
  const queue = createDueQueue({ start, tickMs: minuteMs, horizonMs: 2 * hourMs })
  const random = createRandom(seed, 'pharma', 'batches')
  const lines = Math.max(1, Math.round(3 * scale))
  let now = start
  let day = ''
  let numberOfDay = 0

  const running: (Batch | undefined)[] = new Array<Batch | undefined>(lines).fill(undefined)
  const sensors = createSensors({
    random: createRandom(seed, 'pharma', 'sensors'),
    equipmentIds: running.map((_, i) => equipmentId(i)),
    emit: (row, at) => queue.add(at, pharmaFeed.sensors, row),
  })
  const deviations = createDeviations({
    random: createRandom(seed, 'pharma', 'deviations'),
    emit: (row, at) => queue.add(at, pharmaFeed.deviations, row),
  })
  const lab = createLab({
    random: createRandom(seed, 'pharma', 'lab'),
    emit: (row, at) => queue.add(at, pharmaFeed.lab, row),
    onFail: (batch, testId, at) => deviations.fromTest(batch, testId, at),
  })

  function equipmentId(line: number): string {
    return `EQUIP-${String(line + 1).padStart(3, '0')}`
  }

  function report(batch: Batch, at: number): void {
    queue.add(at + random.between(100, 20_000), pharmaFeed.batches, {
      batch_id: batch.id,
      product_id: batch.productId,
      status: batch.status,
      equipment_id: batch.equipmentId,
      batch_size: batch.size,
      start_time: BigInt(batch.startTime),
      end_time: batch.endTime === null ? null : BigInt(batch.endTime),
      operator_id: batch.operatorId,
      event_timestamp: BigInt(at),
    })
  }

  function plan(line: number, at: number): Batch {
    const today = new Date(at).toISOString().slice(0, 10).replaceAll('-', '')
    if (today !== day) {
      day = today
      numberOfDay = 0
    }
    numberOfDay++
    const startTime = at + random.between(10, 40) * minuteMs
    const batch: Batch = {
      id: `BATCH-${day}-${String(numberOfDay).padStart(4, '0')}`,
      productId: random.pick(productIds),
      equipmentId: equipmentId(line),
      size: random.pick(sizes),
      operatorId: random.pick(operators),
      status: 'QUEUED',
      startTime,
      endTime: null,
      nextChange: startTime,
      remaining: 0,
      holds: 0,
    }
    report(batch, at)
    return batch
  }

  function advance(batch: Batch, line: number, at: number): void {
    if (at < batch.nextChange) return
    switch (batch.status) {
      case 'QUEUED':
        batch.status = 'IN_PROGRESS'
        batch.startTime = at
        batch.remaining = random.between(5 * 60, 9 * 60) * minuteMs
        decideEnd(batch, at)
        break
      case 'ON_HOLD':
        batch.status = 'IN_PROGRESS'
        decideEnd(batch, at)
        break
      case 'IN_PROGRESS': {
        const end =
          batch.holds === 0 && pending.get(batch) === 'ON_HOLD' ? 'ON_HOLD' : (pending.get(batch) ?? 'COMPLETED')
        batch.status = end
        if (end === 'ON_HOLD') {
          batch.holds++
          batch.nextChange = at + random.between(30, 240) * minuteMs
        } else {
          batch.endTime = end === 'COMPLETED' ? at : null
          running[line] = undefined
          pending.delete(batch)
        }
        break
      }
    }
    report(batch, at)
  }

  const pending = new Map<Batch, (typeof ends)[number]>()
  /** Decides how this stretch of production ends, and when. */
  function decideEnd(batch: Batch, at: number): void {
    const end = batch.holds > 0 ? 'COMPLETED' : ends[pickEnd(random)]!
    pending.set(batch, end)
    const stretch =
      end === 'COMPLETED'
        ? batch.remaining
        : Math.round((batch.remaining * random.range(0.2, 0.9)) / minuteMs) * minuteMs
    batch.remaining -= stretch
    if (end === 'ON_HOLD') batch.remaining = Math.max(batch.remaining, 30 * minuteMs)
    batch.nextChange = at + stretch
  }

  return {
    get now() {
      return now
    },
    step(emit) {
      for (let line = 0; line < lines; line++) {
        const batch = running[line]
        if (batch === undefined) {
          if (random.chance(0.05)) running[line] = plan(line, now)
        } else advance(batch, line, now)
        const current = running[line]
        if (current?.status !== 'IN_PROGRESS') continue
        if ((now - current.startTime) % sensorIntervalMs === 0 && now > current.startTime) {
          const outside = sensors.read(line, current, now)
          if (outside !== undefined) deviations.fromSensor(current, outside, now)
        }
        if ((now - current.startTime) % labIntervalMs === 0 && now > current.startTime) lab.test(current, now)
      }
      deviations.advance(now)
      for (const due of queue.takeTick()) emit(due.feed, due.row as Row, due.at)
      now += minuteMs
    },
  }
}
