import type { Row } from '../domain.ts'
import { createWeightedPick, type Random } from '../prng.ts'

const kinds = [
  { type: 'mobile', os: ['iOS', 'Android'], browser: ['app', 'Safari', 'Chrome'] },
  { type: 'desktop', os: ['Windows', 'macOS', 'Linux'], browser: ['Chrome', 'Firefox', 'Edge', 'Safari'] },
  { type: 'tablet', os: ['iPadOS', 'Android'], browser: ['Safari', 'Chrome', 'app'] },
] as const
const pickKind = createWeightedPick([52, 40, 8])
const versions = ['4.17.2', '4.18.0', '4.18.1', '5.0.0'] as const

/** The device of a user; only an app has a version. */
export function createDevice(random: Random): Row {
  const { type, os, browser } = kinds[pickKind(random)]!
  const device: Row = { type, os: random.pick<string>(os), browser: random.pick<string>(browser) }
  return device['browser'] === 'app' ? { ...device, app_version: random.pick(versions) } : device
}

/** Where renewals are charged: no device of the user. */
export const billingDevice: Row = Object.freeze({ type: 'other' })
