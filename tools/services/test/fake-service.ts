import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from '../src/service.ts'

/** A service that is a small HTTP server in a Node process; `script` replaces the program. */
export function fakeService(
  name: string,
  options: { script?: string; healthyWithinMs?: number; ports?: readonly string[] } = {},
): Service {
  const script =
    options.script ??
    `require('node:http').createServer((_, answer) => answer.end(String(process.pid))).listen(Number(process.env.FAKE_PORT), '127.0.0.1', () => console.log('listening'))`
  return {
    name,
    ports: options.ports ?? ['http'],
    healthyWithinMs: options.healthyWithinMs ?? 15_000,
    launch: ({ dataFolder, ports }) => {
      const file = join(dataFolder, 'server.cjs')
      writeFileSync(file, script)
      return Promise.resolve({ program: process.execPath, args: [file], env: { FAKE_PORT: String(ports.http) } })
    },
    probe: async ({ http }) => {
      const answer = await fetch(`http://127.0.0.1:${http}/`, { signal: AbortSignal.timeout(2_000) })
      await answer.text()
    },
    environment: ({ http }) => ({ [`${name.toUpperCase()}_URL`]: `http://127.0.0.1:${http}` }),
  }
}
