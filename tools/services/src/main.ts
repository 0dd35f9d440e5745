import { parseArgs } from 'node:util'
import { instanceEnvironment, serviceStatuses, services, startServices, stopServices } from './instance.ts'

const usage = `usage: node tools/services/src/main.ts <command> [--instance name] [--native]
  up <service...>   start, wait until healthy, print the environment  (services: ${Object.keys(services).join(', ')})
  env               print the environment of what runs
  status            show each service: state, ports, process, log
  down              stop what was started for this instance
Output of up and env is for a shell: eval "$(node tools/services/src/main.ts up kafka)"`

const exports_ = (env: Readonly<Record<string, string>>) =>
  Object.entries(env)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('')

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { instance: { type: 'string' }, native: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  const [command, ...names] = positionals
  const options = {
    ...(values.instance !== undefined && { instance: values.instance }),
    ...(values.native && { backend: 'native' as const }),
    report: (line: string) => console.error(line),
  }
  if (values.help || (command === 'up') !== names.length > 0) {
    console.error(usage)
    return values.help ? 0 : 2
  }
  switch (command) {
    case 'up':
      process.stdout.write(exports_(await startServices(names, options)))
      return 0
    case 'env':
      process.stdout.write(exports_(await instanceEnvironment(options)))
      return 0
    case 'status': {
      const statuses = await serviceStatuses(options)
      if (statuses.length === 0) console.log('nothing is running')
      for (const s of statuses) {
        const ports = Object.entries(s.ports).map(([name, port]) => `${name}=${port}`)
        console.log(
          [
            s.service,
            s.state,
            s.backend,
            ...ports,
            s.pid === undefined ? '' : `pid=${s.pid}`,
            s.logFile,
            s.reason ?? '',
          ]
            .filter(Boolean)
            .join('  '),
        )
      }
      return statuses.every((s) => s.state === 'healthy') ? 0 : 1
    }
    case 'down':
      await stopServices(options)
      return 0
    default:
      console.error(usage)
      return 2
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
