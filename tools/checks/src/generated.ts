import { globSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.ts'
import type { CheckResult } from './result.ts'
import { listWorkspaces } from './workspace.ts'

/**
 * Generated files are fresh: the `generate` script of each workspace that has one, asked to `--check`, finds no difference.
 * A script is one check. A workspace with generated files and no such script is a failure.
 */
export async function checkGenerated(root: string): Promise<CheckResult> {
  const failures: string[] = []
  let passed = 0
  for (const { folder, manifest } of listWorkspaces(root)) {
    if (manifest.scripts?.generate === undefined) {
      const generated = globSync(`${folder}/src/**/generated/*`, { cwd: root })
      if (generated.length > 0)
        failures.push(`${folder} has generated files (${generated[0]}) but no generate script to hold them fresh`)
      continue
    }
    const end = await runCommand('npm', ['run', '--silent', 'generate', '--', '--check'], { cwd: join(root, folder) })
    if (end.code === 0) passed++
    else failures.push(`${folder}: generate --check ended with ${end.code ?? 'a signal'}\n${end.output.trim()}`)
  }
  return { passed, failures }
}
