import { defineConfig } from 'vitest/config'

/** Set by nx while it runs a workspace's `test` target: the report then also goes where `make test` counts it. */
const project = process.env.NX_TASK_TARGET_PROJECT

/** One project for the repo: every `test/**` file, run from source through the `sluice-source` export condition. */
export default defineConfig({
  // Not 'import': it would hold for what packages of others require, too.
  resolve: { conditions: ['sluice-source', 'node'] },
  ssr: { resolve: { conditions: ['sluice-source', 'node'] } },
  test: {
    include: ['{packages,apps,tools}/*/test/**/*.test.ts', 'bench/test/**/*.test.ts'],
    // Tests that need real services share one set of them per run.
    globalSetup: ['tools/services/src/vitest-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=sluice-source'],
    // In CI a test may be tried once more: brokers and databases share two cores there. The report names what was.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    reporters: project ? ['default', ['json', { outputFile: `test-results/tests/${project}.json` }]] : ['default'],
  },
})
