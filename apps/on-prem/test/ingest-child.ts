import { observedIngest } from '@sluice/app-kit'
import { createLogger, loadConfig, onShutdown } from '@sluice/runtime'
import { onPremConfig } from '../src/config.ts'
import { openShop } from '../src/ecommerce/shop-app.ts'

/**
 * `ingest --follow` that gets a SIGTERM from itself: `ingest-child.ts <data folder> <hook point> <n> <signals>` at the n-th call of
 * the hook point, or when it is idle; a second one at once when two are asked for. Then the hook point takes its time.
 */
const [dataDir, point, nth, signals] = process.argv.slice(2)
const config = loadConfig(onPremConfig, {
  flags: {
    dataDir,
    'ingest.workers': 1,
    'ingest.rotateRows': 300,
    'ingest.pollBytes': 8192,
    'ingest.shutdownGrace': '10s',
  },
})
const log = createLogger({ name: 'child', level: 'error', format: 'json' })
using shutdown = onShutdown({ graceMs: config.ingest.shutdownGrace + 2_000 })
const stop = (): void => {
  for (let i = 0; i < Number(signals); i++) process.kill(process.pid, 'SIGTERM')
}
let left = Number(nth)
if (point === 'idle') setTimeout(stop, 2_000)
await observedIngest(
  { app: openShop(config), config, log, signal: shutdown.signal },
  {
    follow: true,
    hooks: {
      async at(reached) {
        if (reached !== point || --left !== 0) return
        stop()
        // Long enough that a second signal, when there is one, arrives in the middle of the work.
        await new Promise((resolve) => setTimeout(resolve, 500))
      },
    },
  },
)
