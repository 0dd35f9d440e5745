import type { MessagePort, Transferable } from 'node:worker_threads'

/** What a pool posts to a worker. */
export interface WorkerRequest {
  readonly id: number
  readonly op: string
  readonly args: unknown
}

/** What a worker posts back: a value, or an error as data. */
export type WorkerReply =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: WireError }

/** An error that crossed a thread boundary. */
export interface WireError {
  readonly name: string
  readonly code: string | null
  readonly message: string
  readonly stack: string | null
}

/** Result of a handler and the buffers that move with it. */
export interface HandlerResult {
  readonly value: unknown
  readonly transfer?: readonly Transferable[]
}

export type WorkerHandlers = Readonly<Record<string, (args: never) => HandlerResult | Promise<HandlerResult>>>

/** An error thrown inside a worker by a handler; the worker itself is fine. `code` is the original's. */
export class WorkerOpError extends Error {
  readonly code: string | null

  constructor(wire: WireError) {
    super(wire.message)
    this.name = wire.name
    this.code = wire.code
    if (wire.stack !== null) this.stack = wire.stack
  }
}

/** Answers requests on `port` one after the other, in the order they arrive. */
export function serveWorker(port: MessagePort, handlers: WorkerHandlers): void {
  let turn: Promise<void> = Promise.resolve()
  port.on('message', (request: WorkerRequest) => {
    turn = turn.then(() => answer(port, handlers, request))
  })
}

async function answer(port: MessagePort, handlers: WorkerHandlers, request: WorkerRequest): Promise<void> {
  try {
    const handler = handlers[request.op]
    if (handler === undefined) throw new TypeError(`no worker operation ${request.op}`)
    const result = await handler(request.args as never)
    port.postMessage({ id: request.id, value: result.value } satisfies WorkerReply, [...(result.transfer ?? [])])
  } catch (error) {
    port.postMessage({ id: request.id, error: toWire(error) } satisfies WorkerReply)
  }
}

function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', code: null, message: String(error), stack: null }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  return { name: error.name, code, message: error.message, stack: error.stack ?? null }
}
