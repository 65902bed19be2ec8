/**
 * What somebody has on chain, all told, in base units of the settlement token.
 *
 * @module
 */
import { type Address, parseAbi } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'

import type { Deal, Party } from './party.ts'
import { streamOf } from './work.ts'
import type { World } from './world.ts'

const tokenAbi = parseAbi(['function balanceOf(address) view returns (uint256)'])
const BPS = 10_000n
const STAKE_UNIT = 10n ** 18n

/** Prices at which what is not money counts. */
async function prices(world: World) {
  const { settlement: address } = world.deployment
  const parameters = await world.client.readContract({ address, abi: settlementAbi, functionName: 'parameters' })
  const fees = BigInt(parameters.protocolFeeBps) + BigInt(parameters.committeeFeeBps)
  const net = (amount: bigint) => (amount * (BPS - fees)) / BPS
  const staked = (amount: bigint) => (amount * BigInt(parameters.stakeValue)) / STAKE_UNIT
  return { net, staked }
}

async function balance({ client }: World, token: Address, owner: Address): Promise<bigint> {
  return await client.readContract({ address: token, abi: tokenAbi, functionName: 'balanceOf', args: [owner] })
}

/** Both tokens in somebody's hands. */
async function wallet(world: World, owner: Address): Promise<bigint> {
  const { token, stakeToken } = world.deployment
  const { staked } = await prices(world)
  return (await balance(world, token, owner)) + staked(await balance(world, stakeToken, owner))
}

async function sum(values: readonly Promise<bigint>[]): Promise<bigint> {
  return (await Promise.all(values)).reduce((total, value) => total + value, 0n)
}

/** A provider's wallets, stake and earnings, those that are not matured less the fees they will pay. */
export async function worthOfProvider(world: World, { provider }: Party): Promise<bigint> {
  const { client, deployment } = world
  const { net, staked } = await prices(world)
  const [{ tokens }, earnings] = await Promise.all([
    client.readContract({
      ...{ address: deployment.registry, abi: registryAbi, functionName: 'sideOf', args: [provider.id] },
    }),
    client.readContract({
      ...{ address: deployment.settlement, abi: settlementAbi, functionName: 'earnings', args: [provider.id] },
    }),
  ])
  const wallets = await sum([...new Set([provider.owner.address, provider.payout])].map((one) => wallet(world, one)))
  return wallets + staked(tokens) + earnings.claimable + net(earnings.unmatured)
}

/** A buyer's wallet, its free balance, and what its deals have left. */
export async function worthOfBuyer(world: World, { buyer }: Party, deals: readonly Deal[]): Promise<bigint> {
  const { client, deployment } = world
  const own = { address: deployment.settlement, abi: settlementAbi } as const
  const [free] = await client.readContract({ ...own, functionName: 'account', args: [buyer.address] })
  const left = await sum(deals.map(async (deal) => await remainingOf(world, deal)))
  return (await wallet(world, buyer.address)) + free + left
}

async function remainingOf({ client, deployment }: World, deal: Deal): Promise<bigint> {
  const own = { address: deployment.settlement, abi: settlementAbi } as const
  const now = await client.readContract({ ...own, functionName: 'deal', args: [deal.id] })
  return now.key === deal.key && now.closedAt === 0 ? now.remaining : 0n
}

/** Members' wallets and bonds. */
export async function worthOfMembers(world: World, signers: readonly Address[]): Promise<bigint> {
  const { client, deployment } = world
  const { staked } = await prices(world)
  const one = async (signer: Address): Promise<bigint> => {
    const { stake, thawing } = await client.readContract({
      ...{ address: deployment.registry, abi: registryAbi, functionName: 'bondOf', args: [signer] },
    })
    return staked(stake + thawing) + (await wallet(world, signer))
  }
  return await sum(signers.map(one))
}

/** What stake is worth. */
export async function worthOfStake(world: World, amount: bigint): Promise<bigint> {
  return (await prices(world)).staked(amount)
}

/** What the work that stands pays: what it costs the buyer, and what its provider gets after fees. */
export async function standing(world: World, deals: readonly Deal[]) {
  const { net } = await prices(world)
  const gross = await sum(deals.map((deal) => paidFor(world, deal)))
  return { gross, net: net(gross) }
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

async function paidFor(world: World, deal: Deal): Promise<bigint> {
  const streams = Array.from({ length: deal.streams }, (_, stream) => stream)
  const units = await sum(streams.map(async (stream) => (await streamOf(world, deal, stream)).units))
  const worth = units * deal.offer.price
  return smaller(worth, deal.budget)
}
