/** Replays dead letters and kills itself at a point, the second time it is met. Arguments: url, schema, mode, point. */
import { createPgConnector, createPostgresDeadLetters } from '../src/index.ts'
import type { WriteMode } from '../src/index.ts'
import { mendPrice, openDecoder, priced } from './priced.ts'

const [url, schema, mode, point] = process.argv.slice(2)
let met = 0
const connection = createPgConnector({ connectionString: url! })
const { decoder, close } = openDecoder()
const letters = createPostgresDeadLetters({
  connection,
  sinkId: 'letters',
  owner: 'tests',
  schema: schema!,
  tables: [{ contract: priced, mode: mode as WriteMode }],
  decoder,
  lettersPerTransaction: 5,
  hooks: {
    at(reached) {
      if (reached === point && (met += 1) === 2) process.kill(process.pid, 'SIGKILL')
    },
  },
})
await letters.replay({ fix: mendPrice })
await close()
await connection.close()
