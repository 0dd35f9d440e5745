import type { Row } from '../domain.ts'
import type { Random } from '../prng.ts'
import { micros } from '../values.ts'
import { hourMs, localHour } from './calendar.ts'
import { cities, type Store } from './entities.ts'
import { uuid } from '../uuid.ts'

type EquipmentType = 'OVEN' | 'MIXER' | 'PROOFER' | 'SHEETER' | 'FRIDGE' | 'FREEZER'
type EquipmentStatus = 'RUNNING' | 'IDLE' | 'HEATING' | 'MAINTENANCE' | 'FAULT' | 'OFF'

export interface Machine {
  readonly id: string
  readonly store: Store
  readonly type: EquipmentType
  readonly firmware: string
  status: EquipmentStatus
  /** 0 = new, 1 = worn out. Grows while running; repair and maintenance bring it down. */
  wear: number
  runSeconds: number
  cycles: number
  errorCode: string | null
  /** End of the present fault or maintenance, ms since epoch. */
  until: number
}

const perStore: readonly EquipmentType[] = ['OVEN', 'OVEN', 'MIXER', 'PROOFER', 'FRIDGE', 'FREEZER']
const errorCodes: Readonly<Record<EquipmentType, readonly string[]>> = {
  OVEN: ['E21-HEATER', 'E22-FAN', 'E27-SENSOR'],
  MIXER: ['E11-OVERLOAD', 'E12-BEARING'],
  PROOFER: ['E31-HUMIDIFIER', 'E32-FAN'],
  SHEETER: ['E41-BELT', 'E42-GUARD'],
  FRIDGE: ['E51-COMPRESSOR', 'E53-DOOR'],
  FREEZER: ['E51-COMPRESSOR', 'E54-DEFROST'],
}
/** Wear per running hour: a machine lasts a few weeks of use between services. */
const wearPerHour: Readonly<Record<EquipmentType, number>> = {
  OVEN: 0.0045,
  MIXER: 0.007,
  PROOFER: 0.003,
  SHEETER: 0.006,
  FRIDGE: 0.0013,
  FREEZER: 0.0013,
}
const firmware = ['2.3.1', '2.4.0', '3.0.2']
const round2 = (x: number) => Math.round(x * 100) / 100

/** Machines with wear that leads to faults, repairs and maintenance, and the readings they send. */
export function createEquipment(options: {
  readonly random: Random
  readonly stores: readonly Store[]
  readonly outdoorTemperature: (city: number) => number
}) {
  const { random, stores, outdoorTemperature } = options
  const machines: Machine[] = []
  for (const store of stores) {
    for (const type of store.size > 1.2 ? [...perStore, 'SHEETER' as const] : perStore) {
      machines.push({
        id: `EQUIP-${String(machines.length + 1).padStart(4, '0')}`,
        store,
        type,
        firmware: random.pick(firmware),
        status: 'IDLE',
        wear: random.range(0, 0.9),
        runSeconds: random.between(200, 20_000) * 3600,
        cycles: random.between(500, 40_000),
        errorCode: null,
        until: 0,
      })
    }
  }

  function busy(machine: Machine, hour: number): boolean {
    const { opens, closes } = machine.store
    switch (machine.type) {
      case 'FRIDGE':
      case 'FREEZER':
        return true
      case 'OVEN':
        return hour >= opens - 2 && hour < closes - 2 && random.chance(hour < 11 ? 0.92 : 0.55)
      case 'MIXER':
      case 'SHEETER':
        return hour >= opens - 3 && hour < 13 && random.chance(0.6)
      case 'PROOFER':
        return hour >= opens - 3 && hour < closes - 4 && random.chance(0.8)
    }
  }

  /** Moves one machine on to `at`, `hours` after its last reading. */
  function advance(machine: Machine, at: number, hours: number): void {
    const hour = localHour(at, cities[machine.store.city]!.utcOffset)
    if (machine.status === 'FAULT' || machine.status === 'MAINTENANCE') {
      if (at < machine.until) return
      if (machine.status === 'FAULT') {
        machine.status = 'MAINTENANCE'
        machine.errorCode = null
        machine.until = at + random.between(1, 3) * hourMs
        return
      }
      machine.wear = random.range(0.02, 0.12)
      machine.status = 'IDLE'
    }
    if (!busy(machine, hour)) {
      const open = hour >= machine.store.opens - 3 && hour < machine.store.closes
      machine.status = open ? 'IDLE' : 'OFF'
      if (!open && machine.wear > 0.85 && random.chance(0.03)) {
        machine.status = 'MAINTENANCE'
        machine.until = at + 2 * hourMs
      }
      return
    }
    machine.status =
      machine.type === 'OVEN' && (machine.status === 'OFF' || machine.status === 'IDLE') ? 'HEATING' : 'RUNNING'
    machine.runSeconds += Math.round(hours * 3600)
    machine.cycles += random.between(1, machine.type === 'FRIDGE' || machine.type === 'FREEZER' ? 4 : 3)
    machine.wear = Math.min(1, machine.wear + wearPerHour[machine.type] * hours * random.range(0.5, 1.5))
    if (random.chance((0.0003 + 0.09 * machine.wear ** 6) * hours)) {
      machine.status = 'FAULT'
      machine.errorCode = random.pick(errorCodes[machine.type])
      machine.until = at + random.between(2, 9) * hourMs
    }
  }

  function temperature(machine: Machine): number | null {
    const drift = machine.wear ** 3
    const down = machine.status === 'FAULT' || machine.status === 'MAINTENANCE' || machine.status === 'OFF'
    const room = 19 + outdoorTemperature(machine.store.city) * 0.12
    switch (machine.type) {
      case 'OVEN':
        if (down || machine.status === 'IDLE') return round2(random.normal(room + (down ? 6 : 70), 4))
        return round2(
          machine.status === 'HEATING' ? random.range(90, 200) : random.normal(228 - 25 * drift, 3 + 9 * drift),
        )
      case 'PROOFER':
        return round2(random.normal(down ? room : 33 - 3 * drift, 0.6 + drift))
      case 'FRIDGE':
        return round2(random.normal(machine.status === 'FAULT' ? 11 : 4 + 2.5 * drift, 0.5))
      case 'FREEZER':
        return round2(random.normal(machine.status === 'FAULT' ? -6 : -18.5 + 4 * drift, 0.7))
      default:
        return null
    }
  }

  function reading(machine: Machine, at: number): Row {
    const running = machine.status === 'RUNNING' || machine.status === 'HEATING'
    const turns = machine.type === 'MIXER' || machine.type === 'SHEETER' || machine.type === 'FRIDGE'
    const power = { OVEN: 18, MIXER: 3.2, PROOFER: 2.1, SHEETER: 1.4, FRIDGE: 0.6, FREEZER: 0.9 }[machine.type]
    const coldRoom = machine.type === 'FRIDGE' || machine.type === 'FREEZER'
    const extra: Record<string, number> = {}
    if (machine.type === 'MIXER')
      extra['motor_current_a'] = round2(running ? random.normal(7.5 + 4 * machine.wear ** 2, 0.5) : 0.1)
    if (machine.type === 'OVEN' && running) extra['steam_pressure_bar'] = round2(random.range(0.2, 0.6))
    return {
      event_id: uuid(random),
      equipment_id: machine.id,
      store_id: machine.store.id,
      equipment_type: machine.type,
      status: machine.status,
      temperature_c: temperature(machine),
      humidity_pct: machine.type === 'PROOFER' ? round2(Math.min(98, random.normal(running ? 78 : 55, 3))) : null,
      vibration_mm_s: turns
        ? round2(Math.abs(running ? random.normal(1.1 + 6.5 * machine.wear ** 2, 0.25) : random.normal(0.05, 0.03)))
        : null,
      power_kw: round2(
        running ? power * random.range(0.7, 1.05) * (1 + 0.15 * machine.wear) : random.range(0.01, 0.08),
      ),
      door_open: machine.type === 'OVEN' || coldRoom ? random.chance(0.06) : null,
      run_seconds: BigInt(machine.runSeconds),
      cycle_count: BigInt(machine.cycles),
      error_codes: machine.errorCode === null ? [] : [machine.errorCode],
      extra_readings: extra,
      firmware_version: machine.firmware,
      measured_at: micros(at, random.int(1000)),
    }
  }

  return {
    machines,
    /** Readings of the machines of one turn: machine `i` reads in turn `i % turns`, so the load is even. */
    readTurn(turn: number, turns: number, at: number, hours: number, emit: (row: Row, at: number) => void): void {
      for (let i = turn; i < machines.length; i += turns) {
        const machine = machines[i]!
        const measuredAt = at + random.int(60_000)
        advance(machine, measuredAt, hours)
        emit(reading(machine, measuredAt), measuredAt + random.between(200, 15_000))
      }
    },
    /** Share of a store's ovens that can bake now. */
    ovenShare(store: number): number {
      let ovens = 0
      let able = 0
      for (const machine of machines) {
        if (machine.store.index !== store || machine.type !== 'OVEN') continue
        ovens++
        if (machine.status !== 'FAULT' && machine.status !== 'MAINTENANCE') able++
      }
      return able / ovens
    },
  }
}

export type EquipmentModel = ReturnType<typeof createEquipment>
