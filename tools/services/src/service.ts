/** What a service gets to work with. Ports are free ones at 127.0.0.1, by the names the service asked for. */
export interface ServiceContext {
  readonly cache: string
  /** An empty folder of its own; deleted when the service stops. */
  readonly dataFolder: string
  readonly ports: Readonly<Record<string, number>>
}

/** The program that is the service. */
export interface Launch {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Another user to run as, for programs that refuse to run as root. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** One service that can be started: natively by `launch`, or by its file in `infra/compose`. */
export interface Service {
  readonly name: string
  /** Names of the ports it needs. The compose file reads them as `SLUICE_<NAME>_PORT`. */
  readonly ports: readonly string[]
  /** How long it may take from start to its first healthy answer. */
  readonly healthyWithinMs: number
  /** Fetches and prepares what it needs; everything that may take long or ask the network happens here. */
  launch(context: ServiceContext): Promise<Launch>
  /** Resolves when the service answers as its users need it; rejects with the reason while it does not. One attempt, bounded in time. */
  probe(ports: Readonly<Record<string, number>>): Promise<void>
  /** Environment variables by which programs find it. */
  environment(ports: Readonly<Record<string, number>>, dataFolder: string): Readonly<Record<string, string>>
  /** True for one that is always started natively, also where a Docker engine answers; it has no file in `infra/compose`. */
  readonly nativeOnly?: boolean
  /** The signal that asks it to end, when that is not SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
  /** Deletes what `launch` made outside `dataFolder`. Safe to call when there is nothing. */
  cleanUp?(dataFolder: string): void
}
