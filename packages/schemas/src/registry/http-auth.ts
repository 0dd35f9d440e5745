/** A value that its holder shows on request only: the `Secret` of `@sluice/runtime` is one. */
export interface Revealable {
  reveal(): string
}

export type RegistryAuth =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string | Revealable }
  | {
      readonly kind: 'bearer'
      /** Or a function that is asked for the token of each call, and once more when a token is refused. */
      readonly token: string | Revealable | (() => string | Revealable | Promise<string | Revealable>)
    }

/** Makes the value of the `authorization` header; the only place where a secret is shown. */
export type Authorize = () => Promise<string | undefined>

/** @throws {TypeError} for a user name that basic authentication cannot carry */
export function createAuthorize(auth: RegistryAuth | undefined): Authorize {
  if (auth === undefined) return () => Promise.resolve(undefined)
  if (auth.kind === 'basic') {
    const { username, password } = auth
    if (username.includes(':')) throw new TypeError('a user name of basic authentication must not hold a colon')
    return () => Promise.resolve(`Basic ${Buffer.from(`${username}:${revealed(password)}`, 'utf8').toString('base64')}`)
  }
  const { token } = auth
  return async () => `Bearer ${revealed(typeof token === 'function' ? await token() : token)}`
}

function revealed(secret: string | Revealable): string {
  const text = typeof secret === 'string' ? secret : secret.reveal()
  // Node would refuse the header as well, with the value in its message.
  if (/[\r\n\0]/.test(text)) throw new TypeError('a password or token holds a line break')
  return text
}
