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
    name: 'on-prem',
    description:
      'Events from Kafka to an object store, exactly once; embedded by default, real services by configuration.',
    version: '0.0.0',
    setUp: addCommands,
  },
  process.argv.slice(2),
)
