import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { isContractFile } from '../gate/contract-set.ts'
import { CliError } from './cli-error.ts'

const block = 512
const maxInflated = 256 * 1024 * 1024

/**
 * Contract files of an npm tarball (as `npm pack` and registries make them), by path below its `contracts` folder, or below
 * `inside`.
 * @throws {CliError} when it is no such tarball or holds no contracts
 */
export async function filesOfTarball(file: string, inside: string | undefined): Promise<Map<string, string>> {
  let bytes: Buffer
  try {
    bytes = gunzipSync(await readFile(file), { maxOutputLength: maxInflated })
  } catch (cause) {
    throw new CliError('unavailable', `${file} cannot be read as a gzipped tarball`, { cause })
  }
  const files = new Map<string, string>()
  for (const { path, body } of entriesOf(bytes, file)) {
    const below = belowContracts(path, inside)
    if (below !== undefined && isContractFile(below)) files.set(below, body.toString('utf8'))
  }
  if (files.size === 0) {
    const where = inside ?? 'a folder named contracts'
    throw new CliError('unavailable', `${file} has no contracts in ${where}; say where with --inside`)
  }
  return files
}

function belowContracts(path: string, inside: string | undefined): string | undefined {
  const root = inside === undefined ? /^(?:[^/]+\/)*?contracts\// : undefined
  if (root !== undefined) return root.test(path) ? path.replace(root, '') : undefined
  // npm puts everything below one folder, `package`.
  const prefix = inside === '.' ? '' : `${inside!.replace(/^\.?\/+|\/+$/g, '')}/`
  const rest = path.slice(path.indexOf('/') + 1)
  return rest.startsWith(prefix) ? rest.slice(prefix.length) : undefined
}

/** Regular files of a ustar archive, with the long names of GNU and POSIX. */
function* entriesOf(bytes: Buffer, file: string): Generator<{ path: string; body: Buffer }> {
  let longName: string | undefined
  for (let at = 0; at + block <= bytes.length;) {
    const header = bytes.subarray(at, at + block)
    if (header.every((byte) => byte === 0)) return
    const size = Number.parseInt(text(header, 124, 12).trim() || '0', 8)
    const start = at + block
    if (!Number.isSafeInteger(size) || size < 0 || start + size > bytes.length) {
      throw new CliError('unavailable', `${file} is cut short or is no tarball`)
    }
    const body = bytes.subarray(start, start + size)
    const type = text(header, 156, 1)
    const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : ''
    const name = longName ?? (prefix === '' ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`)
    longName = undefined
    if (type === 'L') longName = text(body, 0, size)
    else if (type === 'x') longName = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(body.toString('utf8'))?.[1]
    else if (type === '0' || type === '') yield { path: name, body }
    at = start + Math.ceil(size / block) * block
  }
}

function text(bytes: Buffer, start: number, length: number): string {
  const field = bytes.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString('utf8')
}
