import { duration, secret } from '@sluice/runtime'
import { z } from 'zod'

/** How to reach Kafka, beside the brokers in the address. Secrets come from the file or the environment, never from flags. */
export const kafkaConfig = z
  .object({
    /** TLS with the CAs that Node trusts, or with that of `caFile`. */
    tls: z.boolean().default(false),
    caFile: z.string().min(1).optional(),
    mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).default('PLAIN'),
    username: z.string().min(1).optional(),
    password: secret().optional(),
    /** Of Azure Event Hubs, instead of user name and password. */
    connectionString: secret().optional(),
    /** How long a batch is tried for. */
    deliveryTimeout: duration().default(120_000),
  })
  .strict()

export type KafkaConfig = z.output<typeof kafkaConfig>
