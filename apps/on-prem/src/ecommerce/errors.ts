/** Codes of the e-commerce commands beside those of the kit. */
export const shopErrors = {
  NOTHING_TO_MIGRATE: { exitCode: 3, advice: 'run `ecommerce init` first' },
  MIGRATION_REFUSED: { exitCode: 7, advice: 'change the new schema; nothing was registered' },
  MIGRATION_UNREADABLE: {
    exitCode: 7,
    advice: 'let producers write the old version again; see docs/schema-migration.md',
  },
  CONFIRMATION_NEEDED: { exitCode: 2, advice: 'add --yes when that is what you want' },
} as const

export type ShopErrorCode = keyof typeof shopErrors

export class ShopError extends Error {
  readonly code: ShopErrorCode
  readonly exitCode: number

  constructor(code: ShopErrorCode, message: string, options?: ErrorOptions) {
    super(`${message}; ${shopErrors[code].advice}`, options)
    this.name = 'ShopError'
    this.code = code
    this.exitCode = shopErrors[code].exitCode
  }
}
