import { pino, type Logger as PinoLogger } from 'pino'
import pretty from 'pino-pretty'

/** What packages need of a logger; pino's own shape, so any pino instance will do. */
export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>

export interface LoggerOptions {
  readonly name: string
  readonly level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  /** `auto` (default): coloured lines when the stream is a terminal, JSON otherwise. */
  readonly format?: 'auto' | 'json' | 'pretty'
  /** Default stderr, so that stdout stays free for results. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/**
 * Writes one line per entry. JSON lines escape control characters, so names from data cannot forge lines (input 33);
 * pretty lines do the same for strings they print.
 */
export function createLogger(options: LoggerOptions): PinoLogger {
  const stream = options.stream ?? process.stderr
  const asPretty = options.format === 'pretty' || (options.format !== 'json' && stream.isTTY === true)
  const settings = {
    name: options.name,
    level: options.level ?? 'info',
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  const destination = asPretty
    ? pretty({ destination: stream, sync: true, ignore: 'pid,name', translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
    : stream
  return pino(settings, destination)
}
