import { StoreError } from '@sluice/ingest-core'

const digestName = 'sha256'
/** Names become headers; S3 allows 2 KB of names and values together (RELIABILITY input 42). */
const namePattern = /^[a-z][a-z0-9-]{0,63}$/
const maxBytes = 2000

/**
 * Metadata as the store keeps it: the digest of the body and what the caller adds, values percent-encoded where a header could not hold them.
 * @throws TypeError for a name that cannot be a header; StoreError STORE_UNSUPPORTED above 2 KB
 */
export function toStored(
  key: string,
  digest: string,
  metadata: Readonly<Record<string, string>>,
): Record<string, string> {
  const stored: Record<string, string> = { [digestName]: digest }
  let bytes = digestName.length + digest.length
  for (const [name, value] of Object.entries(metadata)) {
    if (!namePattern.test(name))
      throw new TypeError(`s3: '${name}' cannot be a name of metadata: small letters, digits, -`)
    const own = name === digestName ? `own-${name}` : name
    stored[own] = encodeValue(value)
    bytes += own.length + stored[own].length
  }
  if (bytes <= maxBytes) return stored
  throw new StoreError('STORE_UNSUPPORTED', `s3: ${key}: ${bytes} bytes of metadata, S3 takes 2 KB`, {
    store: 's3',
    key,
  })
}

/** The digest and the caller's metadata; the digest is undefined for objects that we did not write. */
export function fromStored(stored: Readonly<Record<string, string>> | undefined): {
  readonly sha256: string | undefined
  readonly metadata: Readonly<Record<string, string>>
} {
  const { [digestName]: sha256, ...rest } = stored ?? {}
  const metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(rest)) {
    metadata[name === `own-${digestName}` ? digestName : name] = decodeValue(value)
  }
  return {
    sha256: sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined,
    metadata: Object.freeze(metadata),
  }
}

/** Headers lose blanks at their ends and hold no controls; what is plain stays readable. */
const encodeValue = (value: string): string => (/^[!-$&-~]*$/.test(value) ? value : `%${encodeURIComponent(value)}`)

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
