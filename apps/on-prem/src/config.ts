import { commonConfig, produceConfig } from '@sluice/app-kit'
import { secret } from '@sluice/runtime'
import { z } from 'zod'

/** Kafka; without brokers the embedded log is used. */
const kafkaConfig = z
  .object({
    /** `host:port`, any of the cluster's. */
    brokers: z.array(z.string()).default([]),
    groupId: z.string().min(1).default('sluice-on-prem'),
    client: z.enum(['platformatic', 'kafkajs']).default('platformatic'),
    /** Topic that decided dead letters are handed on to; they stay in the lake, too. Made by `init`. */
    deadLetterTopic: z.string().min(1).optional(),
    /** Adds the headers of Kafka Connect to them. */
    connectHeaders: z.boolean().default(false),
    replicationFactor: z.int().min(1).optional(),
    tls: z.boolean().default(false),
    /** PEM file of the CAs to trust instead of Node's. */
    caFile: z.string().optional(),
    mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']).default('PLAIN'),
    username: z.string().optional(),
    password: secret().optional(),
    /** File with the token of OAUTHBEARER, read again for each connection. */
    tokenFile: z.string().optional(),
  })
  .strict()
  .prefault({})

/** Schema registry; without a URL it is a file. */
const registryConfig = z
  .object({
    /** With the path of the Confluent API, e.g. `.../apis/ccompat/v7`. */
    url: z.string().optional(),
    username: z.string().optional(),
    password: secret().optional(),
  })
  .strict()
  .prefault({})

/** Object store of the lake. */
const storeConfig = z
  .object({
    kind: z.enum(['local', 's3']).default('local'),
    bucket: z.string().default('sluice'),
    /** Of a store that is not AWS, such as MinIO. */
    endpoint: z.string().optional(),
    region: z.string().default('us-east-1'),
    accessKeyId: z.string().optional(),
    secretAccessKey: secret().optional(),
  })
  .strict()
  .prefault({})

/** Warehouse; without a URL it is PostgreSQL in the process, in a folder. */
const postgresConfig = z
  .object({
    /** `postgres://user:password@host:port/database`. */
    url: secret().optional(),
    tls: z.boolean().default(false),
    /** PEM file of the CAs to trust instead of Node's. */
    caFile: z.string().optional(),
  })
  .strict()
  .prefault({})

const alertsConfig = z
  .object({
    /** Where alerts go; without it they stand in the report only. */
    slackWebhook: secret().optional(),
  })
  .strict()
  .prefault({})

/** Options of the app. Every key can come from a file, the environment (`SLUICE_...`) or a flag; defaults stand only here and in the kit. */
export const onPremConfig = z.object({
  ...commonConfig,
  dataDir: z.string().min(1).default('.sluice/on-prem'),
  kafka: kafkaConfig,
  registry: registryConfig,
  store: storeConfig,
  postgres: postgresConfig,
  alerts: alertsConfig,
  produce: produceConfig(20_000),
})

export type OnPremConfig = Readonly<z.output<typeof onPremConfig>>

/** What `tools/services` prints, and the keys it stands for. */
const storeVariables = {
  S3_ENDPOINT: 'SLUICE_STORE__ENDPOINT',
  S3_REGION: 'SLUICE_STORE__REGION',
  S3_ACCESS_KEY_ID: 'SLUICE_STORE__ACCESS_KEY_ID',
  S3_SECRET_ACCESS_KEY: 'SLUICE_STORE__SECRET_ACCESS_KEY',
} as const

interface Profile {
  readonly needs: Readonly<Record<string, string>>
  /** Services that only some domains use. */
  readonly takes: Readonly<Record<string, string>>
  readonly settings: Readonly<Record<string, string>>
}

const profiles: Readonly<Record<string, Profile>> = {
  services: {
    needs: { KAFKA_BROKERS: 'SLUICE_KAFKA__BROKERS', SCHEMA_REGISTRY_URL: 'SLUICE_REGISTRY__URL', ...storeVariables },
    takes: { POSTGRES_URL: 'SLUICE_POSTGRES__URL' },
    settings: { SLUICE_STORE__KIND: 's3' },
  },
  // Brokers as Azure Event Hubs has them: TLS, and a connection string as the password.
  'event-hubs': {
    needs: {
      KAFKA_SECURE_BROKERS: 'SLUICE_KAFKA__BROKERS',
      KAFKA_SECURE_CONNECTION_STRING: 'SLUICE_KAFKA__PASSWORD',
      KAFKA_SECURE_CA_FILE: 'SLUICE_KAFKA__CA_FILE',
      POSTGRES_URL: 'SLUICE_POSTGRES__URL',
      ...storeVariables,
    },
    takes: { SCHEMA_REGISTRY_URL: 'SLUICE_REGISTRY__URL' },
    settings: {
      SLUICE_STORE__KIND: 's3',
      SLUICE_KAFKA__TLS: 'true',
      SLUICE_KAFKA__MECHANISM: 'PLAIN',
      SLUICE_KAFKA__USERNAME: '$ConnectionString',
    },
  },
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * With `SLUICE_PROFILE=services` or `event-hubs`, services are found by the variables that `make services-up` prints; what is
 * set by a name of our own wins. Without it the environment is taken as it is, and the default is embedded.
 * @throws TypeError for a profile of another name, or when a service of the profile is not in the environment
 */
export function withProfile(env: Environment): Environment {
  const { SLUICE_PROFILE: name = 'embedded', ...rest } = env
  if (name === 'embedded') return rest
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined
  if (profile === undefined) {
    throw new TypeError(`SLUICE_PROFILE is ${name}; known are embedded, ${Object.keys(profiles).join(', ')}`)
  }
  const found: Record<string, string> = { ...profile.settings }
  for (const [variable, key] of Object.entries({ ...profile.takes, ...profile.needs })) {
    const value = env[variable] ?? env[key]
    if (value !== undefined) found[key] = value
    else if (variable in profile.needs) {
      throw new TypeError(`profile ${name} needs ${variable} in the environment: eval "$(make -s services-up ...)"`)
    }
  }
  return { ...found, ...rest }
}
