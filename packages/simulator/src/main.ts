#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { runCli } from '@sluice/runtime'
import { addCommands } from './commands.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

process.exitCode = await runCli(
  {
    name: 'sluice-generate',
    description: 'Simulated event feeds with faults and a ledger of what must land.',
    version,
    setUp: (program) => addCommands(program, { stdout: process.stdout, stderr: process.stderr }),
  },
  process.argv.slice(2),
)
