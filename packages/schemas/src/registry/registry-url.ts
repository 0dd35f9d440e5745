import { lookup as resolveName, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP } from 'node:net'

/** Metadata services of clouds live here; no registry does (RELIABILITY input 35). */
const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4')
linkLocal.addSubnet('fe80::', 10, 'ipv6')
linkLocal.addAddress('fd00:ec2::254', 'ipv6')

/** Where a registry is, with what must not be printed taken out. */
export interface RegistryUrl {
  /** Without user, password, query, fragment and trailing slash: safe in messages. */
  readonly shown: string
  readonly secure: boolean
  readonly loopback: boolean
  /** The address of a call. */
  resolve(path: string): URL
  /** Name and password that the URL carried. */
  readonly user?: { readonly name: string; readonly password: string }
}

/**
 * Checks the URL of a registry before anything is sent to it.
 * @throws {TypeError} when it is not http or https, has a query or fragment, is not on the list of allowed hosts, or is a
 *   link-local address. The message never holds a password.
 */
export function parseRegistryUrl(text: string, allowedHosts: readonly string[] | undefined): RegistryUrl {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    // The text and the cause may hold a password.
    throw new TypeError('the registry URL is not a URL')
  }
  const shown = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`the registry URL must be http or https, not ${url.protocol.slice(0, -1)}`)
  }
  if (url.search !== '' || url.hash !== '') throw new TypeError(`the registry URL ${shown} must end with its path`)
  if (allowedHosts !== undefined && !allowedHosts.includes(url.host) && !allowedHosts.includes(url.hostname)) {
    throw new TypeError(`the registry host ${url.host} is not among the allowed ones: ${allowedHosts.join(', ')}`)
  }
  const address = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isLinkLocal(address)) throw new TypeError(`the registry host ${url.host} is a link-local address`)
  const user =
    url.username === '' && url.password === ''
      ? {}
      : { user: { name: decodeURIComponent(url.username), password: decodeURIComponent(url.password) } }
  return {
    shown,
    secure: url.protocol === 'https:',
    loopback: address === 'localhost' || address === '::1' || /^127\./.test(address),
    resolve: (path) => new URL(`${shown}${path}`),
    ...user,
  }
}

function isLinkLocal(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && linkLocal.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

type LookupDone = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/** Name resolution that refuses link-local addresses, so that a name cannot stand for one either. */
export function guardedLookup(hostname: string, options: LookupOptions, done: LookupDone): void {
  resolveName(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return done(error, [])
    const bad = addresses.find(({ address }) => isLinkLocal(address))
    if (bad !== undefined) {
      const refusal: NodeJS.ErrnoException = new Error(`${hostname} stands for the link-local address ${bad.address}`)
      refusal.code = 'ELINKLOCAL'
      return done(refusal, [])
    }
    if (options.all === true) return done(null, addresses)
    const first = addresses[0]
    if (first === undefined) return done(new Error(`${hostname} has no address`), [])
    done(null, first.address, first.family)
  })
}
