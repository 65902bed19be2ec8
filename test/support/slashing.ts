/**
 * Slashes as the settlement asks for them, and their cases.
 *
 * @module
 */
import type { NetworkHelpers } from '@nomicfoundation/hardhat-network-helpers/types'
import { type Hex, keccak256, stringToHex, zeroAddress, zeroHash } from 'viem'

import type { Deployment } from './deployment.ts'

/** `IVault.Charge`. */
export type Charge = {
  subject: Hex
  fault: number
  proofGas: number
  asked: bigint
  restitution: bigint
  victim: string
  reporter: string
  evidence: Hex
}

/** `IVault.Case`. */
export type Case = {
  subject: string
  provider: bigint
  signer: string
  own: bigint
  delegated: bigint
  restitution: bigint
  victim: string
  reporter: string
  evidence: string
  blockNumber: bigint
  slashedAt: bigint
}

/** The settlement's address as a sender, to call the registry as it would. */
export async function asSettlement(helpers: NetworkHelpers, { registry, settlement, ethers }: Deployment) {
  const address = await settlement.getAddress()
  await helpers.impersonateAccount(address)
  await helpers.setBalance(address, 10n ** 20n)
  return registry.connect(await ethers.getSigner(address))
}

/** What a slash is for; `name` makes its subject. */
export function chargeOf(name: string, asked: bigint, more: Partial<Charge> = {}): Charge {
  return {
    ...{ subject: keccak256(stringToHex(name)), fault: 0, proofGas: 0, asked, restitution: 0n },
    ...{ victim: zeroAddress, reporter: zeroAddress, evidence: zeroHash, ...more },
  }
}

/** The facts of the last slash. */
export async function lastCase({ registry }: Pick<Deployment, 'registry'>): Promise<Case> {
  const [log] = (await registry.queryFilter(registry.filters.Slashed)).slice(-1)
  if (log === undefined) throw new Error('nothing was slashed')
  return plain(log.args.facts)
}

/** A case with other facts, as an argument of a call. */
export function plain(facts: Case, more: Partial<Case> = {}): Case {
  const { subject, provider, signer, own, delegated, restitution } = facts
  const { victim, reporter, evidence, blockNumber, slashedAt } = facts
  return {
    ...{ subject, provider, signer, own, delegated, restitution },
    ...{ victim, reporter, evidence, blockNumber, slashedAt, ...more },
  }
}

/** Slashes a provider and returns the case. */
export async function slash(
  helpers: NetworkHelpers,
  deployment: Deployment,
  provider: number,
  charge: Charge,
): Promise<Case> {
  const registry = await asSettlement(helpers, deployment)
  await (await registry.slash(provider, charge, 0, await deployment.tally.clock())).wait()
  return await lastCase(deployment)
}
