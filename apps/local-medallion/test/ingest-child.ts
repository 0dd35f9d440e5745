import { ingest } from '@sluice/app-kit'
import { loadConfig } from '@sluice/runtime'
import { pino } from 'pino'
import { openBakery } from '../src/bakery-app.ts'
import { appConfig } from '../src/config.ts'

/**
 * One run of `ingest` that may end itself: `ingest-child.ts <data folder> [<hook point> <n>]` sends SIGKILL to itself when the
 * n-th call of the hook point is reached. Small files, so that a run has many commits.
 */
const [dataDir, point, nth] = process.argv.slice(2)
const config = loadConfig(appConfig, {
  flags: { dataDir, 'ingest.workers': 1, 'ingest.rotateRows': 400, 'ingest.pollBytes': 4096, 'ingest.maxBadShare': 1 },
})
let left = Number(nth)
const summary = await ingest(openBakery(config.dataDir), config.ingest, {
  follow: false,
  signal: new AbortController().signal,
  log: pino({ level: 'error' }, pino.destination(2)),
  hooks: {
    at(reached) {
      if (reached === point && --left <= 0) process.kill(process.pid, 'SIGKILL')
    },
  },
})
process.stdout.write(JSON.stringify({ commits: summary.commits }))
