import { SingleBar } from 'cli-progress'

export interface Progress {
  /** Sets the absolute position, and optionally a short note such as a rate. */
  update(done: number, note?: string): void
  stop(): void
}

export interface ProgressOptions {
  readonly label: string
  /** What is expected in all; the bar is full there. Without one, only what is done is shown. */
  readonly total?: number | undefined
  readonly unit: string
  readonly stream?: NodeJS.WriteStream
  /** Least time between two plain lines when the stream is not a terminal, ms. Default 5000. */
  readonly plainEveryMs?: number
  readonly now?: () => number
}

/** A bar on a terminal; a plain line now and then, and one at the end, on anything else. */
export function createProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr
  return stream.isTTY ? barProgress(options, stream) : plainProgress(options, stream)
}

function barProgress({ label, total, unit }: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  const bar = new SingleBar({
    format:
      total === undefined
        ? `${label} {value} ${unit} in {duration_formatted} {note}`
        : `${label} [{bar}] {percentage}% {value}/{total} ${unit} {note}`,
    stream,
    hideCursor: true,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 28,
    fps: 10,
  })
  bar.start(total ?? 0, 0, { note: '' })
  return {
    update: (done, note) => bar.update(done, note === undefined ? {} : { note }),
    stop: () => bar.stop(),
  }
}

function plainProgress(options: ProgressOptions, stream: NodeJS.WritableStream): Progress {
  const { label, total, unit, plainEveryMs = 5000, now = Date.now } = options
  let lastAt = now()
  let lastDone = 0
  let lastNote = ''
  let written = -1
  const line = () => {
    written = lastDone
    const done = total === undefined ? lastDone : `${lastDone}/${total}`
    stream.write(`${label} ${done} ${unit}${lastNote ? ` ${lastNote}` : ''}\n`)
  }
  return {
    update(done, note) {
      lastDone = done
      lastNote = note ?? lastNote
      if (now() - lastAt < plainEveryMs) return
      lastAt = now()
      line()
    },
    stop() {
      if (written !== lastDone) line()
    },
  }
}
