import type { AvroSchema } from '../../src/index.ts'

/** Random schemas and random edits of them, harmless and breaking alike, as an engineer might make them. */
export interface Evolution {
  readonly before: AvroSchema
  readonly after: AvroSchema
  readonly edits: readonly string[]
}

interface Type {
  [key: string]: unknown
}
type Json = string | Json[] | Type
interface FieldJson {
  name: string
  type: Json
  default?: unknown
  aliases?: string[]
}

export function evolutionOf(seed: number): Evolution {
  let state = seed >>> 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (n: number): number => Math.floor(random() * n)
  const pick = <T>(items: readonly T[]): T => items[int(items.length)]!
  let names = 0
  const open: string[] = []

  const leaf = (): Json =>
    pick<() => Json>([
      () => pick(['boolean', 'int', 'long', 'float', 'double', 'string', 'bytes', 'null']),
      () => pick(['int', 'long', 'float', 'double', 'string', 'bytes']),
      () => ({ type: 'string', logicalType: 'uuid' }),
      () => ({ type: 'int', logicalType: pick(['date', 'time-millis']) }),
      () => ({ type: 'long', logicalType: pick(['timestamp-millis', 'timestamp-micros', 'time-micros']) }),
      () => ({ type: 'bytes', logicalType: 'decimal', precision: 4 + int(20), scale: int(4) }),
      () => ({
        type: 'fixed',
        name: `F${names++}`,
        size: pick([0, 2, 12, 16]),
        ...pick([{}, { logicalType: 'uuid' }, { logicalType: 'duration' }]),
      }),
      () => ({ type: 'fixed', name: `D${names++}`, size: 8, logicalType: 'decimal', precision: 6 + int(12), scale: 2 }),
      () => enumeration(),
      () => enumeration(),
    ])()

  const enumeration = (): Json => ({
    type: 'enum',
    name: `E${names++}`,
    symbols: ['A', 'B', 'C', 'D'].slice(0, 1 + int(4)),
    ...(int(3) === 0 ? { default: 'A' } : {}),
  })

  const kindOf = (type: Json): string =>
    typeof type === 'string'
      ? type
      : Array.isArray(type)
        ? 'union'
        : 'name' in type
          ? (type['name'] as string)
          : (type['type'] as string)

  const union = (depth: number): Json => {
    if (int(2) === 0) {
      const member = any(depth + 1)
      if (kindOf(member) === 'null' || Array.isArray(member)) return ['null', 'string']
      return int(2) === 0 ? ['null', member] : [member, 'null']
    }
    const branches: Json[] = []
    for (let i = 0; i < 4; i++) {
      const branch = any(depth + 1)
      if (!Array.isArray(branch) && !branches.some((other) => kindOf(other) === kindOf(branch))) branches.push(branch)
    }
    return branches.length === 0 ? ['null', 'int'] : branches
  }

  const any = (depth: number): Json => {
    if (depth > 3) return leaf()
    switch (int(9)) {
      case 0:
        return record(depth)
      case 1:
        return { type: 'array', items: any(depth + 1) }
      case 2:
        return { type: 'map', values: any(depth + 1) }
      case 3:
      case 4:
        return union(depth)
      case 5:
        // The record around it, once more.
        return int(3) === 0
          ? pick<Json>([['null', pick(open)], { type: 'array', items: pick(open) }, [pick(open), 'null', 'int']])
          : leaf()
      default:
        return leaf()
    }
  }

  const record = (depth: number): Json => {
    const name = `${pick(['', 'n.', 'm.'])}R${names++}`
    open.push(name)
    const fields: FieldJson[] = Array.from({ length: 1 + int(4) }, (_, i) => field(`f${i}`, depth))
    open.pop()
    return { type: 'record', name, namespace: '', fields }
  }

  const field = (name: string, depth: number): FieldJson => {
    const type = any(depth + 1)
    const value = int(2) === 0 ? defaultOf(type) : undefined
    return value === undefined ? { name, type } : { name, type, default: value }
  }

  const defaultOf = (type: Json): unknown => {
    if (Array.isArray(type)) return defaultOf(type[0]!)
    const kind = typeof type === 'string' ? type : type['type']
    switch (kind) {
      case 'null':
        return null
      case 'boolean':
        return true
      case 'int':
      case 'long':
        return 7
      case 'float':
      case 'double':
        return 1.5
      case 'string':
        return typeof type === 'object' ? '0b0e6a3e-7ad5-4a0a-9c1e-2f6f3c1d8e10' : 'x'
      case 'bytes':
        return '\u0001'
      case 'fixed':
        return '\u0000'.repeat((type as Type)['size'] as number)
      case 'enum':
        return ((type as Type)['symbols'] as string[])[0]
      case 'array':
        return []
      case 'map':
        return {}
      default:
        return undefined
    }
  }

  const before = record(0) as Type
  const after = structuredClone(before)
  const edits = Array.from({ length: 1 + int(3) }, () => edit())
  return { before: before as AvroSchema, after: after as AvroSchema, edits }

  /** Places of a schema where a type stands, with how to replace it. */
  function places(): { type: Json; set(type: Json): void }[] {
    const found: { type: Json; set(type: Json): void }[] = []
    const visit = (type: Json, set: (type: Json) => void): void => {
      found.push({ type, set })
      if (Array.isArray(type)) {
        type.forEach((branch, i) => visit(branch, (t) => void (type[i] = t)))
        return
      }
      if (typeof type === 'string') return
      for (const key of ['items', 'values']) {
        if (key in type) visit(type[key] as Json, (t) => void (type[key] = t))
      }
      for (const each of (type['fields'] as FieldJson[] | undefined) ?? [])
        visit(each.type, (t) => void (each.type = t))
    }
    visit(after, () => undefined)
    return found
  }

  function edit(): string {
    const all = places()
    const records = all
      .filter(({ type }) => typeof type === 'object' && 'fields' in type)
      .map(({ type }) => type as Type)
    const { type, set } = pick(all)
    const owner = pick(records)
    const fields = owner['fields'] as FieldJson[]
    const target = fields.length === 0 ? undefined : pick(fields)
    open.push(...records.map((each) => each['name'] as string))
    const named = all.map((place) => place.type).filter((t): t is Type => typeof t === 'object' && 'name' in t)
    const enums = named.filter((t) => 'symbols' in t)
    switch (int(14)) {
      case 0: {
        const added = field(`g${names++}`, 2)
        fields.splice(int(fields.length + 1), 0, added)
        return `added ${added.name}`
      }
      case 1:
      case 2: {
        const added = field(`g${names++}`, 4)
        fields.push(added)
        return `added plain ${added.name}`
      }
      case 3:
        if (target === undefined) return 'nothing'
        fields.splice(fields.indexOf(target), 1)
        return `removed ${target.name}`
      case 4: {
        if (target === undefined) return 'nothing'
        const former = target.name
        target.name = `h${names++}`
        if (int(2) === 0) target.aliases = [former, ...(int(4) === 0 ? [pick(fields).name] : [])]
        return `renamed ${former}`
      }
      case 5:
        fields.reverse()
        return 'reversed'
      case 6: {
        const wider: Record<string, Json[]> = {
          int: ['long', 'float', 'double', { type: 'int', logicalType: 'date' }],
          long: ['float', 'double', 'int', { type: 'long', logicalType: 'timestamp-millis' }],
          float: ['double', 'int'],
          string: ['bytes', { type: 'string', logicalType: 'uuid' }],
          bytes: ['string', { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 1 }],
        }
        if (typeof type !== 'string' || wider[type] === undefined) return 'nothing'
        set(pick(wider[type]))
        return `promoted ${type}`
      }
      case 7:
        if (Array.isArray(type)) {
          if (type.length > 1 && int(2) === 0) type.splice(int(type.length), 1)
          else if (int(2) === 0) type.reverse()
          else {
            const branch = leaf()
            if (!type.some((other) => kindOf(other) === kindOf(branch))) type.push(branch)
          }
          return 'changed a union'
        }
        return 'nothing'
      case 8: {
        if (target === undefined || Array.isArray(target.type) || target.type === 'null') return 'nothing'
        delete target.default
        target.type = ['null', target.type]
        if (int(2) === 0) target.default = null
        return `made ${target.name} nullable`
      }
      case 9: {
        if (enums.length === 0) return 'nothing'
        const one = pick(enums)
        const symbols = one['symbols'] as string[]
        if (int(2) === 0) symbols.push(`S${names++}`)
        else if (symbols.length > 1 && symbols.at(-1) !== one['default']) symbols.pop()
        else one['default'] = symbols[0]
        return 'changed an enum'
      }
      case 10: {
        const one = pick(named)
        const former = one['name'] as string
        if (all.some((place) => place.type === former)) return 'nothing'
        if (int(3) === 0) one['name'] = `x.${former.slice(former.lastIndexOf('.') + 1)}`
        else {
          one['name'] = `N${names++}`
          if (int(2) === 0) one['aliases'] = [former]
        }
        return `renamed type ${former}`
      }
      case 11:
        if (typeof type === 'object' && !Array.isArray(type) && 'precision' in type) {
          if (int(3) === 0) type['scale'] = int(3)
          else type['precision'] = (type['precision'] as number) + pick([-1, 1, 2])
          return 'changed a decimal'
        }
        return 'nothing'
      case 12:
        if (typeof type === 'object' && !Array.isArray(type) && 'logicalType' in type) {
          if (int(2) === 0) delete type['logicalType']
          else type['logicalType'] = pick(['timestamp-micros', 'date', 'uuid', 'decimal'])
          return 'changed a logical type'
        }
        return 'nothing'
      default:
        if (target === undefined) return 'nothing'
        target.type = leaf()
        delete target.default
        return `retyped ${target.name}`
    }
  }
}
