/** Lands the test records and kills itself at a point. Arguments: url, schema, mode, point, which time, end, step, direct. */
import { createPgConnector, createPostgresSink } from '../src/index.ts'
import type { WriteMode } from '../src/index.ts'
import { runThings, things } from './things.ts'

const [url, schema, mode, point, time, end, step, direct] = process.argv.slice(2)
let met = 0
const connection = createPgConnector({ connectionString: url! })
const sink = createPostgresSink({
  connection,
  sinkId: 'crash',
  owner: 'tests',
  schema: schema!,
  tables: [{ contract: things, mode: mode as WriteMode, direct: direct === 'true' }],
  hooks: {
    at(reached) {
      if (reached === point && (met += 1) === Number(time)) process.kill(process.pid, 'SIGKILL')
    },
  },
})
await runThings(sink, Number(end), Number(step))
await sink.close()
await connection.close()
