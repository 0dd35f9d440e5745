import { runCli } from '@sluice/runtime'
import { addAnalytics } from '../src/analytics/commands.ts'
import { withProfile } from '../src/config.ts'
import { addTelco } from '../src/telco/commands.ts'

/** The two domains that land in the warehouse, as a program of their own. */
process.exitCode = await runCli(
  {
    name: 'on-prem',
    description: 'telco and analytics',
    version: '0.0.0',
    setUp(program) {
      const env = withProfile(process.env)
      addTelco(program, env)
      addAnalytics(program, env)
    },
  },
  process.argv.slice(2),
)
