/** Every way a service can fail to be there, with what to do about it. Codes are stable, texts are not. */
export const serviceErrors = {
  SERVICE_UNKNOWN: 'name one of the services that `status` lists',
  SERVICE_PREREQUISITE: 'install the program the message names, or start a Docker engine',
  SERVICE_DOWNLOAD: 'look at the output of Maven or Go in the message; the machine must reach its registry once',
  SERVICE_UNHEALTHY: 'read the end of its log in the message',
  SERVICE_LOCKED: 'another process works on this instance; wait for it or choose another instance',
  SERVICE_STATE: 'the state file is damaged; stop the process it names by hand and delete the file',
} as const

export type ServiceErrorCode = keyof typeof serviceErrors

export class ServiceError extends Error {
  readonly code: ServiceErrorCode

  constructor(code: ServiceErrorCode, message: string, options?: ErrorOptions) {
    super(`${message} [${code}: ${serviceErrors[code]}]`, options)
    this.name = 'ServiceError'
    this.code = code
  }
}
