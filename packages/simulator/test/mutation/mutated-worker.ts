import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { mutantNamed, patched } from './mutants.ts'

/**
 * Stands in for the pipeline's own worker module: loads it with one check taken out of its source. Which one is in the
 * environment that the thread was started with.
 */
const mutant = mutantNamed(process.env['SLUICE_MUTANT'])
const index = import.meta.resolve('@sluice/ingest-core')
if (!index.endsWith('/packages/ingest-core/src/index.ts')) throw new Error('mutants are made of sources')
const left = new Set(mutant.edits)

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    let source: string | undefined
    for (const edit of mutant.edits) {
      if (!url.endsWith(`/packages/${edit.file}`)) continue
      source = patched(edit, source ?? readFileSync(new URL(url), 'utf8'))
      left.delete(edit)
    }
    return source === undefined ? loaded : { ...loaded, source }
  },
})
await import(new URL('workers/ingest-worker.ts', index).href)
if (left.size > 0) throw new Error(`not loaded by the worker: ${[...left].map(({ file }) => file).join(', ')}`)
