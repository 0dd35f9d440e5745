import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { layoutErrors } from '../src/layout/errors.ts'
import { auditCodes } from '../src/sink/audit.ts'
import { sinkErrors } from '../src/sink/errors.ts'
import { fileSinkDefaults } from '../src/sink/file-sink-options.ts'

describe('README', () => {
  it('lists each code of sinks, layouts and the audit, and the options of the file sink', async () => {
    const text = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const section = text.slice(text.indexOf('## The file sink'), text.indexOf('## Codes of dead letters'))
    const codes = [...Object.keys(sinkErrors), ...Object.keys(layoutErrors), ...Object.keys(auditCodes)]
    for (const name of [...codes, ...Object.keys(fileSinkDefaults)]) expect(section).toContain(`\`${name}\``)
    const known = new Set(codes)
    for (const [, code] of section.matchAll(/`((?:SINK|CHAIN|PLAN|OBJECT|LAYOUT|COUNTS)_[A-Z_]+)`/g))
      expect(known).toContain(code)
  })
})
