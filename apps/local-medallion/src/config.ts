import { commonConfig, produceConfig } from '@sluice/app-kit'
import { z } from 'zod'

/** Options of the app. Every key can come from a file, the environment (`SLUICE_…`) or a flag; defaults stand only here and in the kit. */
export const appConfig = z.object({ ...commonConfig, produce: produceConfig(240_000) })

export type AppConfig = Readonly<z.output<typeof appConfig>>
