/**
 * Tokens of local networks; anyone may mint them.
 *
 * @module
 */
import { buildModule } from '@nomicfoundation/hardhat-ignition/modules'

/** A dollar of 6 decimals and a stake token of 18. */
export const demoTokens = buildModule('DemoTokens', (m) => ({
  token: m.contract('DemoDollar'),
  stakeToken: m.contract('DemoStake'),
}))
