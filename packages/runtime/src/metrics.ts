import { createServer } from 'node:http'
import { Registry, collectDefaultMetrics } from 'prom-client'
import { RuntimeError } from './errors.ts'

export interface Health {
  /** The process is worth keeping: its loop made progress or is idle. */
  readonly live: boolean
  /** It can do its job now. */
  readonly ready: boolean
  /** One line for the operator when either is false. */
  readonly detail?: string
}

export interface MetricsServerOptions {
  readonly registry?: Registry
  readonly host?: string
  /** 0 takes a free port. */
  readonly port: number
  readonly health: () => Health
}

export interface MetricsServer extends AsyncDisposable {
  readonly url: string
}

/** A prom-client registry with the process's own figures (CPU, memory, event-loop lag) in it. */
export function createMetricsRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

/**
 * Serves `/metrics` (Prometheus text), `/live` and `/ready` (200 or 503 with one line), on loopback unless told.
 * @throws {RuntimeError} METRICS_UNAVAILABLE when the address cannot be bound
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const registry = options.registry ?? createMetricsRegistry()
  const server = createServer((request, response) => {
    void answer(request.method, request.url?.split('?')[0]).then(([status, body, type = 'text/plain; charset=utf-8']) =>
      response.writeHead(status, { 'content-type': type }).end(body),
    )
  })
  async function answer(method: string | undefined, path: string | undefined): Promise<[number, string, string?]> {
    if (method !== 'GET') return [405, 'only GET is served here\n']
    if (path === '/metrics') {
      try {
        return [200, await registry.metrics(), registry.contentType]
      } catch (error) {
        return [500, `${(error as Error).message}\n`] // a collector that throws is the scraper's news, not our end
      }
    }
    if (path !== '/live' && path !== '/ready') return [404, 'try /metrics, /live or /ready\n']
    const health = options.health()
    const good = path === '/live' ? health.live : health.ready
    return [good ? 200 : 503, `${health.detail ?? (good ? 'ok' : 'not ok')}\n`]
  }
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new RuntimeError('METRICS_UNAVAILABLE', `cannot serve metrics on ${host}:${options.port}: ${cause.message}`, {
          cause,
        }),
      ),
    )
    server.listen(options.port, host, resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  return {
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
