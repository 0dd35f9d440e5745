#!/usr/bin/env node
import { runCli } from '@sluice/runtime'
import { addCommands } from './commands.ts'

process.exitCode = await runCli(
  {
    name: 'on-prem',
    description:
      'Events from Kafka to an object store, exactly once; embedded by default, real services by configuration.',
    version: '0.0.0',
    setUp: addCommands,
  },
  process.argv.slice(2),
)
