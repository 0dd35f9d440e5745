/** What the program ends with; CI can tell a refusal from a check that could not be made. */
export const exitCodes = {
  ok: { code: 0, meaning: 'nothing breaks a reader, or the command did what it says' },
  refused: { code: 1, meaning: 'a change is refused, files are not fresh, or a registry does not take a schema' },
  usage: { code: 2, meaning: 'a mistake in the words, or in the files given' },
  unavailable: { code: 3, meaning: 'what to check against cannot be had: git ref, tarball, registry' },
} as const

/** An error with the exit code it leads to. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number

  constructor(kind: keyof typeof exitCodes, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.exitCode = exitCodes[kind].code
  }
}
