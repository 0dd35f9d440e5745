import { defineConfig } from 'vitest/config'

/** One project for the repo: every `test/**` file, run from source through the `sluice-source` export condition. */
export default defineConfig({
  resolve: { conditions: ['sluice-source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['sluice-source', 'node', 'import', 'default'] } },
  test: {
    include: ['{packages,apps,tools}/*/test/**/*.test.ts', 'bench/test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=sluice-source'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
