/**
 * What somebody owns on the chain, all accounts and books together, in settlement token base units.
 *
 * @module
 */
import { type Address, erc20Abi } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { Mode } from '#protocol/types.ts'

import { defaultParameters } from '../parameters/local.ts'
import type { Party, Provider, Scene, SimDeal } from './scene.ts'

/** Everything that is one hand's. */
export type Hand = {
  readonly parties: readonly Party[]
  readonly providers: readonly Provider[]
  /** Deals it opened as a buyer. */
  readonly deals: readonly SimDeal[]
  /** Members of the committee it bonded for. */
  readonly members: readonly Address[]
}

const STAKE_UNIT = 10n ** 18n
/** Settlement token base units a thousand million gas cost: one gwei, 3,000 dollars an ether. */
const DOLLARS_PER_GAS_1E9 = 3_000_000_000n

/** Tokens in wallets, escrow, deals and earnings, and stake at its governed value, less the gas it used. */
export async function wealthOf(scene: Scene, hand: Hand): Promise<bigint> {
  const accounts = [...hand.parties, ...hand.providers].map(({ account }) => account.address)
  const unique = [...new Set(accounts)]
  const money = await sumOf(unique, (account) => moneyOf(scene, account))
  const earned = await sumOf(hand.providers, (provider) => earnedBy(scene, provider))
  const gas = [...hand.parties, ...hand.providers].reduce((sum, party) => sum + scene.spentBy(party), 0n)
  const open = await sumOf(hand.deals, (deal) => remainingOf(scene, deal))
  const stake =
    (await sumOf(hand.providers, (one) => stakeOf(scene, one))) + (await sumOf(hand.members, bondsOf(scene)))
  return money + earned + open + stakeValueOf(stake) - (gas * DOLLARS_PER_GAS_1E9) / 1_000_000_000n
}

/** Value of stake tokens at the default parameters. */
export function stakeValueOf(stake: bigint): bigint {
  return (stake * BigInt(defaultParameters.stakeValue)) / STAKE_UNIT
}

async function sumOf<T>(list: readonly T[], of: (one: T) => Promise<bigint>): Promise<bigint> {
  let total = 0n
  for (const one of list) total += await of(one)
  return total
}

async function moneyOf({ chain: { reader, deployment } }: Scene, account: Address): Promise<bigint> {
  const { token, stakeToken, settlement } = deployment
  const balance = (of: Address) =>
    reader.readContract({ address: of, abi: erc20Abi, functionName: 'balanceOf', args: [account] })
  const [free] = await reader.readContract({
    ...{ address: settlement, abi: settlementAbi, functionName: 'account', args: [account] },
  })
  const [, , , netted] = await reader.readContract({
    ...{ address: settlement, abi: settlementAbi, functionName: 'netBuyer', args: [account] },
  })
  return (await balance(token)) + stakeValueOf(await balance(stakeToken)) + free + netted
}

async function earnedBy({ chain: { reader, deployment } }: Scene, { id }: Provider): Promise<bigint> {
  const { claimable, unmatured } = await reader.readContract({
    ...{ address: deployment.settlement, abi: settlementAbi, functionName: 'earnings', args: [id] },
  })
  return claimable + unmatured
}

/** Of a netted deal, 0: its money stands with its buyer's. */
async function remainingOf({ chain: { reader, deployment } }: Scene, { id, offer }: SimDeal): Promise<bigint> {
  if (offer.mode === Mode.Net) return 0n
  const { remaining } = await reader.readContract({
    ...{ address: deployment.settlement, abi: settlementAbi, functionName: 'deal', args: [id] },
  })
  return remaining
}

async function stakeOf({ chain: { reader, deployment } }: Scene, { id }: Provider): Promise<bigint> {
  const { stake, thawing } = await reader.readContract({
    ...{ address: deployment.registry, abi: registryAbi, functionName: 'providerOf', args: [id] },
  })
  return stake + thawing
}

const bondsOf =
  ({ chain: { reader, deployment } }: Scene) =>
  async (signer: Address): Promise<bigint> => {
    const { stake, thawing } = await reader.readContract({
      ...{ address: deployment.registry, abi: registryAbi, functionName: 'bondOf', args: [signer] },
    })
    return stake + thawing
  }
