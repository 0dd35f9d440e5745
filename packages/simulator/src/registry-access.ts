import { secret } from '@sluice/runtime'
import { z } from 'zod'

/** How to reach a registry over HTTP. Secrets come from the file or the environment, never from flags. */
export const registryAccess = z
  .object({
    /** Basic authentication. */
    username: z.string().min(1).optional(),
    password: secret().optional(),
    /** Bearer authentication, instead of user name and password. */
    token: secret().optional(),
    /** PEM file of the authorities to trust instead of Node's. */
    caFile: z.string().min(1).optional(),
    /** Credentials over http to another machine. */
    allowPlainAuth: z.boolean().default(false),
  })
  .strict()
