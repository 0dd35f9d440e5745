import { rejectStages } from './letter.ts'
import type { DeadLetter } from './letter.ts'
import { DeadLetterError } from './errors.ts'

/**
 * Reads a dead-letter file: JSON Lines of the contract `sluice.DeadLetter`, bytes as base64, times as RFC 3339.
 * @throws DeadLetterError LETTER_MALFORMED naming file and line, never their contents
 */
export function parseLetterFile(key: string, body: Uint8Array): DeadLetter[] {
  const lines = new TextDecoder('utf-8', { fatal: true }).decode(body).split('\n')
  if (lines.pop() !== '') throw new DeadLetterError('LETTER_MALFORMED', `${key} ends within a line`)
  return lines.map((line, i) => {
    try {
      return letterOf(JSON.parse(line) as Record<string, unknown>)
    } catch (cause) {
      const reason = cause instanceof SyntaxError ? 'not JSON' : cause instanceof Error ? cause.message : 'unreadable'
      // The cause of a syntax error quotes the text: not kept.
      throw new DeadLetterError('LETTER_MALFORMED', `${key} line ${i + 1}: ${reason}`)
    }
  })
}

function letterOf(line: Readonly<Record<string, unknown>>): DeadLetter {
  const text = (name: string): string => {
    const value = line[name]
    if (typeof value !== 'string') throw new TypeError(`field ${name} is not a string`)
    return value
  }
  const whole = (name: string): number => {
    const value = line[name]
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      throw new TypeError(`field ${name} is not a whole number`)
    return value
  }
  const bytes = (name: string): Uint8Array | null => (line[name] === null ? null : fromBase64(text(name), name))
  const stage = rejectStages.find((each) => each === line['stage'])
  if (stage === undefined) throw new TypeError('field stage is not a known stage')
  return {
    partition: {
      clusterId: text('cluster_id'),
      topicId: text('topic_id'),
      topic: text('topic'),
      partition: whole('partition'),
    },
    offset: whole('offset'),
    timestamp: line['timestamp'] === null ? -1 : Number(microsOf(text('timestamp'), 'timestamp') / 1000n),
    key: bytes('key'),
    value: bytes('value'),
    headers: bytes('headers'),
    schemaId: line['schema_id'] === null ? null : whole('schema_id'),
    stage,
    code: text('code'),
    path: text('path'),
    expected: text('expected'),
    attempt: whole('attempt'),
    pipeline: text('pipeline'),
    pipelineVersion: text('pipeline_version'),
    firstSeen: microsOf(text('first_seen'), 'first_seen'),
  }
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function fromBase64(text: string, name: string): Uint8Array {
  if (!base64.test(text)) throw new TypeError(`field ${name} is not base64`)
  return Uint8Array.from(Buffer.from(text, 'base64'))
}

const time = /^(.*T\d\d:\d\d:\d\d)\.(\d{3}|\d{6})Z$/

/** µs since epoch, without going through a number of milliseconds that would lose digits. */
function microsOf(text: string, name: string): bigint {
  const match = time.exec(text)
  const seconds = match === null ? Number.NaN : Date.parse(`${match[1]!}Z`)
  if (match === null || Number.isNaN(seconds)) throw new TypeError(`field ${name} is not a time in UTC`)
  return BigInt(seconds) * 1000n + BigInt(match[2]!.padEnd(6, '0'))
}
