import { z } from 'zod'
import { unscaledOf } from './avro/decimal.ts'
import type { Contract } from './contract.ts'
import { compileRowRules } from './rules/row-rules.ts'
import { uuidText } from './codec/defaults.ts'

/** Parts that generated validators are made of: one per Avro type that zod has no exact equal for. */
export const rowType = {
  /** float and double: any number, NaN and infinities included, as Avro has it. Rules say where they are unwelcome. */
  double: (): z.ZodType<number> => z.custom<number>((value) => typeof value === 'number', 'must be a number'),
  /** Well-formed Unicode, so that it survives UTF-8. */
  text: (): z.ZodType<string> =>
    z.custom<string>(
      (value) => typeof value === 'string' && value.isWellFormed(),
      'must be a string of well-formed Unicode',
    ),
  uuid: (): z.ZodType<string> =>
    z.custom<string>((value) => typeof value === 'string' && uuidText(value) !== undefined, 'must be a uuid'),
  decimal: (precision: number, scale: number): z.ZodType<string> =>
    z.custom<string>(
      (value) => typeof value === 'string' && unscaledOf(value, precision, scale) !== undefined,
      `must be a decimal text of at most ${precision} digits, ${scale} of them after the point`,
    ),
  bytes: (size?: number): z.ZodType<Uint8Array> =>
    z.custom<Uint8Array>(
      (value) => value instanceof Uint8Array && (size === undefined || value.length === size),
      size === undefined ? 'must be bytes' : `must be ${size} bytes`,
    ),
  /** A map; its keys are kept whatever they are, `__proto__` included. */
  map: <T>(value: z.ZodType<T>): z.ZodType<Record<string, T>> =>
    z
      .custom<Record<string, T>>(
        (map) => typeof map === 'object' && map !== null && !Array.isArray(map),
        'must be an object',
      )
      .superRefine((map, context) => {
        for (const key of Object.keys(map)) {
          const result = value.safeParse(map[key])
          if (result.success) continue
          const message = result.error.issues[0]?.message ?? 'is invalid'
          context.addIssue({ code: 'custom', path: [key], message, input: undefined })
        }
      }),
}

/**
 * Adds the rules of a contract to the validator of its types. Rules run when all types are right; the first broken rule
 * is the one issue, with its code in `params.code`.
 */
export function withRules<T extends object>(types: z.ZodType<T>, contract: Contract): z.ZodType<T> {
  let firstBroken: ReturnType<typeof compileRowRules> | undefined
  return types.superRefine((row, context) => {
    firstBroken ??= compileRowRules(contract)
    const broken = firstBroken(row)
    if (broken === undefined) return
    context.addIssue({
      code: 'custom',
      path: broken.path.replaceAll('[]', '').split('.'),
      message: `must be ${broken.expected}`,
      params: { code: broken.code },
      input: undefined,
    })
  })
}
