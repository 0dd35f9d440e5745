#!/usr/bin/env node
import { runCli } from '@sluice/runtime'
import { addCommands } from './commands.ts'

process.exitCode = await runCli(
  {
    name: 'local-medallion',
    description: 'Six bakery feeds into a partitioned bronze lake, exactly once, on nothing but Node.',
    version: '0.0.0',
    setUp: addCommands,
  },
  process.argv.slice(2),
)
