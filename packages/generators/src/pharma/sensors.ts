import type { Row } from '../domain.ts'
import type { Random } from '../prng.ts'
import type { Batch } from './batch.ts'

/** Real cadence of sensors. */
export const sensorIntervalMs = 5 * 60_000

/** Specification, unit and largest step of the random walk per sensor type. */
const kinds = {
  TEMPERATURE: { min: 20, max: 25, step: 0.5, unit: 'Celsius' },
  HUMIDITY: { min: 40, max: 60, step: 2, unit: '%' },
  PRESSURE: { min: 1, max: 2, step: 0.1, unit: 'bar' },
  VIBRATION: { min: 0, max: 4.5, step: 0.35, unit: 'mm/s' },
} as const
type SensorType = keyof typeof kinds

interface Sensor {
  readonly id: string
  readonly type: SensorType
  value: number
}

/** Types by sensor of a line: every line has temperature and one of humidity and pressure; the third differs. */
const typesByLine: readonly (readonly SensorType[])[] = [
  ['TEMPERATURE', 'HUMIDITY', 'PRESSURE'],
  ['TEMPERATURE', 'HUMIDITY', 'VIBRATION'],
  ['TEMPERATURE', 'PRESSURE', 'VIBRATION'],
]

/** Three sensors per equipment, each of one type, drifting by a bounded random walk around specification. */
export function createSensors(options: {
  readonly random: Random
  readonly equipmentIds: readonly string[]
  readonly emit: (row: Row, at: number) => void
}) {
  const { random, equipmentIds, emit } = options
  const sensors: readonly (readonly Sensor[])[] = equipmentIds.map((_, line) =>
    typesByLine[line % typesByLine.length]!.map((type, i) => ({
      id: `SENSOR-${String(line * 3 + i + 1).padStart(3, '0')}`,
      type,
      value: (kinds[type].min + kinds[type].max) / 2,
    })),
  )

  /** One step of the walk, at most `step` wide: drawn back to the middle a little, and never further outside than a tenth of the span. */
  function drift(sensor: Sensor): void {
    const { min, max, step } = kinds[sensor.type]
    const middle = (min + max) / 2
    const move = random.range(-step, step) - (sensor.value - middle) * 0.03
    const next = sensor.value + Math.min(step, Math.max(-step, move))
    const margin = (max - min) * 0.1
    const lowest = sensor.type === 'VIBRATION' ? 0 : min - margin
    sensor.value = Math.min(max + margin, Math.max(lowest, next))
  }

  return {
    /** Readings of the sensors on the equipment of a running batch. @returns a sensor that is out of specification */
    read(line: number, batch: Batch, at: number): string | undefined {
      let outside: string | undefined
      for (const sensor of sensors[line]!) {
        drift(sensor)
        const { min, max, unit } = kinds[sensor.type]
        const value = Math.round(sensor.value * 1000) / 1000
        const outOfSpec = value < min || value > max
        if (outOfSpec) outside = sensor.id
        emit(
          {
            sensor_id: sensor.id,
            batch_id: batch.id,
            equipment_id: batch.equipmentId,
            sensor_type: sensor.type,
            value,
            unit,
            specification_min: min,
            specification_max: max,
            is_out_of_spec: outOfSpec,
            reading_timestamp: BigInt(at),
          },
          at + random.between(100, 30_000),
        )
      }
      return outside
    },
  }
}
