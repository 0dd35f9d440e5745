import { join } from 'node:path'
import { createLocalStore } from '../src/stores/local-store.ts'
import { testRegistry } from './pipeline-events.ts'
import { assemble, never } from './pipeline-lake.ts'

/**
 * A process that ingests and kills itself: at the n-th time a point of the commit protocol is reached, or `n` ms after its
 * first commit. Arguments: folder, point or `time`, n.
 */
const [root, point, count] = process.argv.slice(2)
const store = createLocalStore({ root: join(root!, 'lake'), durable: false })
await store.open(never)
let left = Number(count)
const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}
const { pipeline, workers } = await assemble(
  { root: root!, store, registry: testRegistry() },
  {
    pipeline: {
      rotation: { rows: 60 },
      pollBytes: 3_000,
      onReceipt: () => {
        if (point === 'time') setTimeout(die, left)
      },
    },
    sink: {
      hooks: {
        at(reached) {
          if (reached === point && --left === 0) die()
        },
      },
    },
  },
)
await pipeline.run({ until: 'caught-up' })
await workers.close()
process.stdout.write('finished\n')
