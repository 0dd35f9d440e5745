import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { AppError, appErrors, ingestConfig, type AppErrorCode } from '@sluice/app-kit'

const readme = () => readFile(new URL('../README.md', import.meta.url), 'utf8')

it('lists every error with its exit code and advice, and instances carry them', async () => {
  const rows = [...(await readme()).matchAll(/^\| `([A-Z_]+)`\s+\| (\d)\s+\| (.+?)\s+\|$/gm)].map(
    ([, code, exit, advice]) => [code, Number(exit), advice!.replaceAll('\\|', '|')],
  )
  expect(rows).toEqual(Object.entries(appErrors).map(([code, { exitCode, advice }]) => [code, exitCode, advice]))
  for (const code of Object.keys(appErrors) as AppErrorCode[]) {
    expect(new AppError(code, 'm')).toMatchObject({ code, name: 'AppError', exitCode: appErrors[code].exitCode })
  }
})

it('lists every key of ingest', async () => {
  const text = await readme()
  for (const key of Object.keys(ingestConfig.parse({}))) {
    expect(text.includes(`\`ingest.${key}\``) || text.includes(`\`.${key}\``), key).toBe(true)
  }
  expect(text).toContain('`ingest.metricsPort`')
})
