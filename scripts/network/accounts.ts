/**
 * Who paid, who earned and what settling cost, read from the chain's events alone.
 *
 * @module
 */
import { type Hex, parseAbi } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Lane } from '#protocol/types.ts'

import type { LocalNetwork } from './local-network.ts'

/** Batches and gas of one lane. */
export type LaneCost = { readonly batches: number; readonly gas: bigint }

/** The whole run in numbers; money in base units of the settlement token. */
export type Accounts = {
  readonly deals: number
  /** By buyer. */
  readonly paidBy: ReadonlyMap<string, bigint>
  readonly paid: bigint
  /** By provider's id, net of fees. */
  readonly earned: ReadonlyMap<number, bigint>
  readonly protocolFee: bigint
  readonly committeeFee: bigint
  readonly lanes: Readonly<Record<keyof typeof Lane, LaneCost>>
  /** What the settlement still holds. */
  readonly held: bigint
  /** Stake the registry still holds. */
  readonly staked: bigint
}

const balanceAbi = parseAbi(['function balanceOf(address) view returns (uint256)'])

/** Reads the accounts of a network. */
export async function readAccounts(network: LocalNetwork): Promise<Accounts> {
  const { client, deployment } = network
  const { settlement: address, registry, fromBlock, token, stakeToken } = deployment
  const read = { abi: settlementAbi, address, fromBlock, toBlock: 'latest', strict: true } as const
  const [opened, closed, claimed, fees, settled, held, staked] = await Promise.all([
    client.getContractEvents({ ...read, eventName: 'DealOpened' }),
    client.getContractEvents({ ...read, eventName: 'DealClosed' }),
    client.getContractEvents({ ...read, eventName: 'Claimed' }),
    client.getContractEvents({ ...read, eventName: 'FeesClaimed' }),
    client.getContractEvents({ ...read, eventName: 'Settled' }),
    client.readContract({ address: token, abi: balanceAbi, functionName: 'balanceOf', args: [address] }),
    client.readContract({ address: stakeToken, abi: balanceAbi, functionName: 'balanceOf', args: [registry] }),
  ])
  const returned = new Map(closed.map(({ args }) => [args.id, args.returned]))
  const paidBy = new Map<string, bigint>()
  for (const { args } of opened) {
    const paid = args.terms.budget - (returned.get(args.id) ?? 0n)
    paidBy.set(args.buyer, (paidBy.get(args.buyer) ?? 0n) + paid)
  }
  const earned = new Map<number, bigint>()
  for (const { args } of claimed) earned.set(args.provider, (earned.get(args.provider) ?? 0n) + args.amount)
  const moved = settled.filter(({ args }) => BigInt(args.applied) !== 0n)
  return {
    ...{ deals: opened.length, paidBy, earned, held, staked },
    paid: sum([...paidBy.values()]),
    protocolFee: sum(fees.map(({ args }) => args.protocolFee)),
    committeeFee: sum(fees.map(({ args }) => args.committeeFee)),
    lanes: await lanesOf(network, moved),
  }
}

async function lanesOf(
  network: LocalNetwork,
  batches: readonly { readonly args: { readonly lane: number }; readonly transactionHash: Hex }[],
): Promise<Accounts['lanes']> {
  const costs = await Promise.all(
    batches.map(async ({ args, transactionHash: hash }) => ({
      lane: args.lane,
      gas: (await network.client.getTransactionReceipt({ hash })).gasUsed,
    })),
  )
  const costOf = (lane: Lane): LaneCost => {
    const own = costs.filter((cost) => cost.lane === lane)
    return { batches: own.length, gas: sum(own.map(({ gas }) => gas)) }
  }
  return {
    Acknowledged: costOf(Lane.Acknowledged),
    Attested: costOf(Lane.Attested),
    Forced: costOf(Lane.Forced),
  }
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}
