import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url))
const VENV = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice', 'pyarrow-venv')

/**
 * Path of a Python that has the pinned pyarrow; makes the virtual environment with `python3 -m venv` and pip when it is
 * absent or holds another version. Needs python3 3.10 or newer, and the network the first time.
 */
export function pyarrowPython(): string {
  const python = join(VENV, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  const wanted = readFileSync(REQUIREMENTS, 'utf8').trim().split('==')[1]!
  if (existsSync(python) && installedVersion(python) === wanted) return python
  execFileSync('python3', ['-m', 'venv', VENV], { stdio: 'inherit' })
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS], {
    stdio: 'inherit',
  })
  return python
}

/** Version of pyarrow that this Python has, or empty when it has none. */
function installedVersion(python: string): string {
  const script =
    'import importlib.util as u; print(__import__("pyarrow").__version__ if u.find_spec("pyarrow") else "")'
  return execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim()
}
