import { StoreError } from '@sluice/ingest-core'

const digestName = 'sha256'
const namePattern = /^[a-z][a-z0-9-]{0,63}$/
const maxBytes = 8000

/**
 * Metadata as Azure keeps it: names are identifiers there, so `-` becomes `_`; values become headers, so what a header could not hold is
 * percent-encoded.
 * @throws TypeError for a name that is not of small letters, digits and `-`; StoreError STORE_UNSUPPORTED above 8 KB
 */
export function toStored(
  key: string,
  digest: string,
  metadata: Readonly<Record<string, string>>,
): Record<string, string> {
  const stored: Record<string, string> = { [digestName]: digest }
  for (const [name, value] of Object.entries(metadata)) {
    if (!namePattern.test(name)) {
      throw new TypeError(`adls: '${name}' cannot be a name of metadata: small letters, digits, -`)
    }
    const own = name === digestName ? `own_${name}` : name.replaceAll('-', '_')
    stored[own] = encodeValue(value)
  }
  const bytes = Object.entries(stored).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (bytes <= maxBytes) return stored
  throw new StoreError('STORE_UNSUPPORTED', `adls: ${key}: ${bytes} bytes of metadata, Azure takes 8 KB`, {
    store: 'adls',
    key,
  })
}

/** The digest and the caller's metadata; the digest is undefined for blobs that we did not write. */
export function fromStored(stored: Readonly<Record<string, string>> | undefined): {
  readonly sha256: string | undefined
  readonly metadata: Readonly<Record<string, string>>
} {
  const metadata: Record<string, string> = {}
  let sha256: string | undefined
  for (const [name, value] of Object.entries(stored ?? {})) {
    if (name === digestName) sha256 = /^[0-9a-f]{64}$/.test(value) ? value : undefined
    else metadata[name === `own_${digestName}` ? digestName : name.replaceAll('_', '-')] = decodeValue(value)
  }
  return { sha256, metadata: Object.freeze(metadata) }
}

/** Headers lose blanks at their ends and hold no controls; what is plain stays readable. */
const encodeValue = (value: string): string => (/^[!-$&-~]+$/.test(value) ? value : `%${encodeURIComponent(value)}`)

function decodeValue(value: string): string {
  if (!value.startsWith('%')) return value
  try {
    return decodeURIComponent(value.slice(1))
  } catch (error) {
    // Written by somebody else: theirs as it is.
    if (error instanceof URIError) return value
    throw error
  }
}
