import type { ErrorRow } from '../errors/shape.ts'

/** Codes of every sink, whatever the driver. */
export const sinkErrors = {
  /** The storage does not answer; nothing is lost. Abandon the partition and open it again later. */
  SINK_UNAVAILABLE: { outcome: 'unknown', retry: 'later' },
  /** Another writer decided this range first: abandon, then open again; its decision will be carried out. */
  FENCED: { outcome: 'not-written', retry: 'later' },
  /** The partition is not open: never opened, abandoned, or the sink is closed. */
  SINK_NOT_OPEN: { outcome: 'not-written', retry: 'never' },
  /** The partition is open already. */
  SINK_ALREADY_OPEN: { outcome: 'none', retry: 'never' },
  /** A batch does not begin where the one before it ended. */
  SINK_NOT_CONTIGUOUS: { outcome: 'not-written', retry: 'never' },
  /** Columns or counts of a batch are not those the table expects. */
  SINK_BATCH_INVALID: { outcome: 'not-written', retry: 'never' },
  /** No table is configured for the topic. */
  SINK_NO_TABLE: { outcome: 'none', retry: 'never' },
  /** The topic was deleted and made again under its name (RELIABILITY fault 27). */
  TOPIC_CHANGED: { outcome: 'none', retry: 'never' },
  /** Another cluster stands behind the names (fault 28). */
  CLUSTER_CHANGED: { outcome: 'none', retry: 'never' },
  /** Another sink or group writes to this table (fault 22). */
  OWNER_MISMATCH: { outcome: 'none', retry: 'never' },
  /** A record of the commit chain is missing, unreadable, or does not follow its predecessor. */
  CHAIN_BROKEN: { outcome: 'none', retry: 'never' },
  /** An object exists under a planned name with other content (fault 52). Nothing was overwritten. */
  CHAIN_DIVERGED: { outcome: 'not-written', retry: 'never' },
  /** The plan was written by newer code (fault 80). */
  PLAN_UNSUPPORTED: { outcome: 'none', retry: 'never' },
  /** What arrives is not what the open plan decided about: other verdicts, other columns. Never a dead letter. */
  PLAN_MISMATCH: { outcome: 'not-written', retry: 'never' },
  /** The table is not what the contract needs, and adding columns cannot mend it; the message has the DDL to run. */
  TABLE_MISMATCH: { outcome: 'not-written', retry: 'never' },
  /** The storage refuses for a reason that no retry mends: rights, configuration, a missing object. */
  SINK_REFUSED: { outcome: 'not-written', retry: 'never' },
  /** The storage refuses too large a share of the rows: nothing was stored, and no dead letters were made of them. */
  SINK_REJECTS_TOO_MANY: { outcome: 'not-written', retry: 'never' },
  /** The storage went back in time, its progress with its data (fault 64): open again and read from there. */
  PROGRESS_REWOUND: { outcome: 'not-written', retry: 'later' },
  /** Progress is neither where this writer left it nor where it wants to go: a defect, or somebody edited it. */
  PROGRESS_BROKEN: { outcome: 'not-written', retry: 'never' },
} as const satisfies Record<string, ErrorRow>

export type SinkErrorCode = keyof typeof sinkErrors

/** An error of a sink, never of a record. `evidence` holds keys, offsets and digests, never row contents. */
export class SinkError extends Error {
  readonly code: SinkErrorCode
  readonly evidence: Readonly<Record<string, unknown>>

  constructor(
    code: SinkErrorCode,
    message: string,
    details: { readonly evidence?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'SinkError'
    this.code = code
    this.evidence = details.evidence ?? {}
  }
}
