import { createJsonlOutput, createStreamOutput } from '@sluice/generators'
import { SimulatorError } from './errors.ts'
import { openKafkaTarget } from './kafka-target.ts'
import type { OpenTarget, TargetContext } from './open-target.ts'
import { createSegmentLogOutput } from './segment-log-output.ts'

/** One kind of `--to`. A target joins by a line in `targetKinds`. */
export interface TargetKind {
  readonly form: string
  readonly meaning: string
  /** The part behind the kind when it may be left out. */
  readonly standard?: string
  open(address: string, context: TargetContext): Promise<OpenTarget>
}

/** Kinds of targets by what stands before the colon; the README lists them. */
export const targetKinds: Readonly<Record<string, TargetKind>> = {
  stdout: {
    form: 'stdout',
    meaning: 'JSON lines to standard output, the default; messages go to standard error',
    standard: '',
    open: async (_, { stdout, firstOffsets }) => createStreamOutput(stdout, { firstOffsets }),
  },
  jsonl: {
    form: 'jsonl:<folder>',
    meaning: 'JSON lines in `<folder>/<topic>/<date>/<topic>-<date>-<hour>.jsonl`',
    open: async (folder, { firstOffsets }) => createJsonlOutput(folder, { firstOffsets }),
  },
  log: {
    form: 'log:<folder>',
    meaning: 'an embedded segment log, in the format of Kafka; topics are made when missing',
    open: (folder, { topics }) => createSegmentLogOutput(folder, { topics }),
  },
  kafka: {
    form: 'kafka://<host>:<port>[,…]',
    meaning: 'Kafka, by an idempotent producer; topics are made when missing',
    open: openKafkaTarget,
  },
}

export interface Target {
  /** As given. */
  readonly text: string
  readonly kind: string
  readonly address: string
}

/**
 * Reads `--to`: a kind, a colon and an address (`log:./log`, `log://./log` and `stdout` are the same shape).
 * @throws {SimulatorError} TARGET_INVALID
 */
export function parseTarget(text: string): Target {
  const colon = text.indexOf(':')
  const kind = colon < 0 ? text : text.slice(0, colon)
  const known = Object.hasOwn(targetKinds, kind) ? targetKinds[kind] : undefined
  if (known === undefined) {
    const forms = Object.values(targetKinds).map(({ form }) => form)
    throw new SimulatorError('TARGET_INVALID', `there is no target "${text}"; targets: ${forms.join(', ')}`)
  }
  const address = (colon < 0 ? (known.standard ?? '') : text.slice(colon + 1)).replace(/^\/\//, '')
  if (address === '' && known.standard === undefined) {
    throw new SimulatorError('TARGET_INVALID', `target "${text}" is not of the form ${known.form}`)
  }
  return { text, kind, address }
}

export function openTarget({ kind, address }: Target, context: TargetContext): Promise<OpenTarget> {
  return targetKinds[kind]!.open(address, context)
}
