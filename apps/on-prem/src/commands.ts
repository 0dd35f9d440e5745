import { createCommandSet, produceFlagPaths } from '@sluice/app-kit'
import type { Command } from '@sluice/runtime'
import { addAnalytics } from './analytics/commands.ts'
import { onPremConfig, withProfile, type OnPremConfig } from './config.ts'
import { addShopCommands } from './ecommerce/commands.ts'
import { openShop } from './ecommerce/shop-app.ts'
import { addTelco } from './telco/commands.ts'

/** Adds the commands of every domain to a program; each domain is a word of its own. */
export function addCommands(program: Command): void {
  const frame = {
    name: 'on-prem',
    schema: onPremConfig,
    config: (output: unknown) => output as OnPremConfig,
    flagPaths: produceFlagPaths,
    env: () => withProfile(process.env),
  }
  const shop = program
    .command('ecommerce')
    .description('user events of a shop: Kafka to object store, two schema versions')
  addShopCommands(shop, createCommandSet(program, { ...frame, open: openShop }))
  addTelco(program, frame.env)
  addAnalytics(program, frame.env)
}
