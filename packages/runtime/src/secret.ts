import { inspect } from 'node:util'

const MASK = '***'

/**
 * A value that must not be printed: every way Node turns a value into text yields `***`.
 * Read it with `reveal()`, as late and as locally as possible.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }

  [inspect.custom](): string {
    return MASK
  }
}
