import { runCli } from '@sluice/runtime'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { addLakeCommands, commonConfig, createCommandSet, type CommonConfig, type LakeApp } from '@sluice/app-kit'

const schema = z.object(commonConfig)

/** Runs `show` of an app that has two domains; gives what the command got, the exit code and what was written. */
async function run(argv: readonly string[], env: Record<string, string> = {}) {
  let got: CommonConfig | undefined
  let stderr = ''
  const code = await runCli(
    {
      name: 'app',
      description: 'an app',
      version: '0.0.0',
      setUp(program) {
        for (const domain of ['first', 'second']) {
          const parent = program.command(domain)
          const add = createCommandSet(program, {
            name: 'app',
            schema,
            config: (output) => output as CommonConfig,
            flagPaths: {},
            env: () => env,
            open: () => ({}) as LakeApp,
          })
          addLakeCommands(parent, add)
          add(parent, 'show', 'what it got', ({ config }) => {
            got = config
            return Promise.resolve()
          })
        }
      },
      stderr: (text) => (stderr += text),
    },
    argv,
  )
  return { code, got, stderr }
}

it('shares one frame of options among domains, and reads configuration in layers', async () => {
  const env = { SLUICE_DATA_DIR: 'from-env', SLUICE_INGEST__WORKERS: '3' }
  const { code, got } = await run(['second', 'show', '-d', 'from-flag'], env)
  expect(code).toBe(0)
  expect([got?.dataDir, got?.ingest.workers, got?.ingest.rotateRows]).toEqual(['from-flag', 3, 500_000])
  expect((await run(['-d', 'before', 'first', 'show'])).got?.dataDir).toBe('before')
})

it('refuses variables that nobody knows, but not those of the tools beside it', async () => {
  expect(await run(['first', 'show'], { SLUICE_INGEST__WORKER: '3' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean ingest.workers?'),
  })
  expect((await run(['first', 'show'], { SLUICE_CACHE: 'somewhere', SLUICE_TEST_SERVICES: 'checks-1' })).code).toBe(0)
})
