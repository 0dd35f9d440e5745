#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Before what it is to serve: a second start does not compile again what the first one did.
enableCompileCache()
const { letHeapGrow } = await import('@sluice/ingest-core')
// Before threads are made.
letHeapGrow()
const { runCli } = await import('@sluice/runtime')
const { addCommands } = await import('./commands.ts')

process.exitCode = await runCli(
  {
    name: 'local-medallion',
    description: 'Six bakery feeds into a partitioned bronze lake, exactly once, on nothing but Node.',
    version: '0.0.0',
    setUp: addCommands,
  },
  process.argv.slice(2),
)
