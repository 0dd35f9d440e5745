import { expect, it } from 'vitest'
import { describeDoctor, runDoctor, RuntimeError, type HealthCheck } from '@sluice/runtime'

const check = (name: string, run: HealthCheck['run']): HealthCheck => ({ name, run })

it('runs every check on its own: one that fails, throws or hangs hides no other', async () => {
  let aborted = false
  const report = await runDoctor(
    [
      check('good', async () => ({ outcome: 'ok', found: 'all there' })),
      check('close', async () => ({ outcome: 'warn', found: 'nearly full', advice: 'make room' })),
      check('throws', async () => {
        throw new RuntimeError('METRICS_UNAVAILABLE', 'port taken', {
          cause: new RuntimeError('CONFIG_INVALID', 'twice'),
        })
      }),
      check('bug', async () => {
        throw new TypeError('undefined is not a function')
      }),
      check('hangs', (signal) => {
        signal.addEventListener('abort', () => (aborted = true))
        return new Promise(() => undefined)
      }),
    ],
    { timeoutMs: 20 },
  )
  expect(report.ok).toBe(false)
  expect(report.lines.map(({ name, outcome, found }) => [name, outcome, found.split('\n')[0]])).toEqual([
    ['good', 'ok', 'all there'],
    ['close', 'warn', 'nearly full'],
    ['throws', 'fail', 'METRICS_UNAVAILABLE: port taken'],
    ['bug', 'fail', 'undefined is not a function'],
    ['hangs', 'fail', 'no answer in 20 ms'],
  ])
  expect(aborted).toBe(true)
  const text = describeDoctor(report)
  expect(text).toContain('warn close: make room')
  expect(text).not.toContain('twice') // causes and stacks are for logs
  expect(text.trimEnd().endsWith('1 ok, 1 warnings, 3 failed')).toBe(true)
})

it('shortens what is long in the table, and says it in full below', async () => {
  const found = `no room on ${'x'.repeat(200)}`
  const text = describeDoctor(
    await runDoctor([check('disk', async () => ({ outcome: 'fail', found, advice: 'make some' }))]),
  )
  expect(
    Math.max(
      ...text
        .split('\n')
        .filter((line) => line.startsWith('│'))
        .map((line) => line.length),
    ),
  ).toBeLessThan(130)
  expect(text).toContain(`fail disk: ${found}; make some`)
})

it('is content with warnings', async () => {
  const report = await runDoctor([check('close', async () => ({ outcome: 'warn', found: 'hm', advice: 'look' }))])
  expect(report.ok).toBe(true)
})
