import { SinkError } from './errors.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** Reads a JSON object of the chain member by member; anything unexpected is CHAIN_BROKEN, with the key and the path. */
export class RecordReader {
  readonly value: JsonObject
  readonly #key: string
  readonly #path: string

  constructor(value: JsonObject, key: string, path: string) {
    this.value = value
    this.#key = key
    this.#path = path
  }

  /** @throws SinkError CHAIN_BROKEN when the body is not a JSON object */
  static parse(body: Uint8Array, key: string): RecordReader {
    let value: unknown
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    } catch (cause) {
      throw new SinkError('CHAIN_BROKEN', `${key} is not JSON`, { cause, evidence: { key } })
    }
    if (!isObject(value)) throw new SinkError('CHAIN_BROKEN', `${key} is not a JSON object`, { evidence: { key } })
    return new RecordReader(value, key, '')
  }

  broken(name: string, expected: string): SinkError {
    const path = `${this.#path}${name}`
    return new SinkError(
      'CHAIN_BROKEN',
      `${this.#key}: ${path} should be ${expected}; restore the object from a backup`,
      {
        evidence: { key: this.#key, path },
      },
    )
  }

  has(name: string): boolean {
    return Object.hasOwn(this.value, name)
  }

  text(name: string): string {
    const value = this.#get(name)
    if (typeof value !== 'string') throw this.broken(name, 'a text')
    return value
  }

  digest(name: string): string {
    const value = this.text(name)
    if (!/^[0-9a-f]{64}$/.test(value)) throw this.broken(name, 'a SHA-256 in hex')
    return value
  }

  integer(name: string): number {
    const value = this.#get(name)
    if (!Number.isSafeInteger(value)) throw this.broken(name, 'a whole number')
    return value as number
  }

  integerOrNull(name: string): number | null {
    return this.#get(name) === null ? null : this.integer(name)
  }

  count(name: string): number {
    const value = this.integer(name)
    if (value < 0) throw this.broken(name, 'not negative')
    return value
  }

  counts(name: string): number[] {
    const value = this.#get(name)
    if (!Array.isArray(value) || !value.every((each) => Number.isSafeInteger(each) && (each as number) >= 0)) {
      throw this.broken(name, 'a list of whole numbers, not negative')
    }
    return value as number[]
  }

  literal<const T extends number>(name: string, wanted: T): T {
    if (this.#get(name) !== wanted) throw this.broken(name, String(wanted))
    return wanted
  }

  oneOf<const T extends string>(name: string, choices: readonly T[]): T {
    const value = this.text(name)
    const choice = choices.find((each) => each === value)
    if (choice === undefined) throw this.broken(name, `one of ${choices.join(', ')}`)
    return choice
  }

  record(name: string): RecordReader {
    const value = this.#get(name)
    if (!isObject(value)) throw this.broken(name, 'an object')
    return new RecordReader(value, this.#key, `${this.#path}${name}.`)
  }

  optional(name: string): RecordReader | null {
    return this.#get(name) === null ? null : this.record(name)
  }

  list(name: string): RecordReader[] {
    const value = this.#get(name)
    if (!Array.isArray(value)) throw this.broken(name, 'a list')
    return value.map((each: unknown, i) => {
      if (!isObject(each)) throw this.broken(`${name}[${i}]`, 'an object')
      return new RecordReader(each, this.#key, `${this.#path}${name}[${i}].`)
    })
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.value, name) ? this.value[name] : undefined
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
