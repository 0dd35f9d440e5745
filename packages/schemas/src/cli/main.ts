#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { runSchemasCli } from './program.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
process.exitCode = await runSchemasCli(process.argv.slice(2), {
  version,
  env: process.env,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
})
