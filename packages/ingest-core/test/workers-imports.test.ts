import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const worker = new URL('../src/workers/ingest-handlers.ts', import.meta.url).href

/** Prints what Node resolves on the way to a module, one address per line. */
const script = `
  import { registerHooks } from 'node:module'
  registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); console.log(found.url); return found } })
  await import(${JSON.stringify(worker)})
`

/** Every collection of a worker walks what it loaded: validators and contracts more than double that. */
it('a worker loads neither validators nor the row codec nor the contracts of the schema package', async () => {
  const node = ['--conditions=sluice-source', '--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, node)
  const loaded = stdout.split('\n')
  expect(loaded.some((url) => url.includes('schemas/src/rules/column-rules'))).toBe(true)
  expect(loaded.filter((url) => /node_modules\/(zod|avsc)\/|schemas\/src\/generated\//.test(url))).toEqual([])
})
