import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { byteSize, duration, loadConfig, RuntimeError, secret, Secret } from '@sluice/runtime'

const schema = z.object({
  dataDir: z.string().default('.sluice'),
  workers: z.int().min(1).optional(),
  follow: z.boolean().default(false),
  feeds: z.array(z.string()).default([]),
  password: secret().optional(),
  rotation: z
    .object({
      rows: z.int().default(100_000),
      bytes: byteSize().default(64 * 2 ** 20),
      interval: duration().default(30_000),
    })
    .strict()
    .prefault({}),
})

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'sluice-config-')), 'app.yaml')
  writeFileSync(path, text)
  return path
}

const messageOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof RuntimeError) return `${error.code} ${error.message}`
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('loadConfig', () => {
  it('layers defaults, file, environment and flags, the later winning', () => {
    const config = loadConfig(schema, {
      file: file('dataDir: from-file\nrotation: { rows: 5, bytes: 1MiB }\n'),
      env: { SLUICE_ROTATION__ROWS: '6', SLUICE_FOLLOW: 'true', SLUICE_FEEDS: 'a, b', OTHER: 'x' },
      envPrefix: 'SLUICE_',
      flags: { 'rotation.interval': '2m', dataDir: undefined },
    })
    expect(config).toEqual({
      dataDir: 'from-file',
      follow: true,
      feeds: ['a', 'b'],
      rotation: { rows: 6, bytes: 2 ** 20, interval: 120_000 },
    })
  })

  it('turns snake case of the environment into camel case', () => {
    expect(loadConfig(schema, { env: { SLUICE_DATA_DIR: '/x' }, envPrefix: 'SLUICE_' }).dataDir).toBe('/x')
    process.env['SLUICE_CONFIG_TEST_WORKERS'] = '3'
    expect(loadConfig(schema, { envPrefix: 'SLUICE_CONFIG_TEST_' }).workers).toBe(3)
    expect(loadConfig(schema, {}).workers).toBeUndefined()
    delete process.env['SLUICE_CONFIG_TEST_WORKERS']
  })

  it('names an unknown key, its origin and the nearest known one, at any depth', () => {
    const message = messageOf(() => loadConfig(schema, { file: file('rotation: { rws: 5 }\ndataDri: x\n') }))
    expect(message).toContain('CONFIG_INVALID')
    expect(message).toMatch(/rotation\.rws: unknown key \(from file .*did you mean rotation\.rows\?/)
    expect(message).toMatch(/dataDri: unknown key .*did you mean dataDir\?/)
  })

  it('treats __proto__ in a file as an unknown key (input 12)', () => {
    expect(messageOf(() => loadConfig(schema, { file: file('__proto__: { polluted: true }\n') }))).toContain(
      '__proto__: unknown key',
    )
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('refuses bad sizes and durations with the key and origin', () => {
    expect(messageOf(() => loadConfig(schema, { flags: { 'rotation.bytes': 'lots' } }))).toMatch(
      /rotation\.bytes: expected a size.*\(from flag\)/,
    )
    expect(messageOf(() => loadConfig(schema, { flags: { 'rotation.interval': '5 parsecs' } }))).toContain(
      'expected a duration',
    )
  })

  it('reports a missing file and a file that is not a mapping', () => {
    expect(messageOf(() => loadConfig(schema, { file: '/does/not/exist.yaml' }))).toContain('CONFIG_UNREADABLE')
    expect(messageOf(() => loadConfig(schema, { file: file('- 1\n') }))).toContain('must hold a mapping')
  })

  it('freezes what it returns', () => {
    const config = loadConfig(schema, {})
    expect(() => Object.assign(config.rotation, { rows: 1 })).toThrow(TypeError)
  })
})

describe('Secret', () => {
  it('prints as *** in every way a value becomes text', () => {
    const config = loadConfig(schema, { env: { S_PASSWORD: 'hunter2' }, envPrefix: 'S_' })
    const shown = [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      `${String(config.password)}`,
    ].join('\n')
    expect(shown).not.toContain('hunter2')
    expect(shown.match(/\*\*\*/g)).toHaveLength(3)
    expect(config.password?.reveal()).toBe('hunter2')
    expect(new Secret('x') + '').toBe('***')
  })
})
