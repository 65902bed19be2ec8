/**
 * Everybody's money and every stream of a market, as the chain tells them.
 *
 * @module
 */
import type { Abi } from 'viem'

import { demoDollarAbi, settlementAbi } from '#protocol/abi.generated.ts'

import type { Scenario } from '../../support/scenario.ts'
import type { World, WorldDeal } from './world.ts'

/** A stream: receipts and units so far. */
export type StreamState = { readonly count: number; readonly units: bigint }

/** A deal's money and streams. */
export type DealState = {
  readonly provider: number
  readonly budget: bigint
  readonly remaining: bigint
  readonly price: bigint
  readonly allowance: bigint
  /** Whether it is closed or was never there. */
  readonly isOver: boolean
  readonly streams: readonly StreamState[]
}

/** A provider's money; `cover` is the most that may be unmatured. */
export type ProviderState = { readonly unmatured: bigint; readonly claimable: bigint; readonly cover: bigint }

/** All of it. */
export type Accounts = {
  readonly free: bigint
  readonly fees: bigint
  readonly deals: ReadonlyMap<number, DealState>
  readonly providers: ReadonlyMap<number, ProviderState>
  /** Tokens of the settlement. */
  readonly tokens: bigint
}

const CLOSED = 3

/** Reads everything. */
export async function readAccounts({ scenario, deals }: World): Promise<Accounts> {
  const { deployment, deployer } = scenario
  const providers = [...new Set(deals.map(({ provider }) => provider.id))]
  const [account, fees, tokens, dealStates, providerStates] = await Promise.all([
    view<readonly [bigint, bigint, bigint]>(scenario, 'account', [deployer.address]),
    view<readonly [bigint, bigint]>(scenario, 'fees', []),
    view<bigint>(scenario, 'balanceOf', [deployment.settlement], { address: deployment.dollar, abi: demoDollarAbi }),
    Promise.all(deals.map(async (deal) => [deal.id, await readDeal(scenario, deal)] as const)),
    Promise.all(providers.map(async (id) => [id, await view<ProviderState>(scenario, 'earnings', [id])] as const)),
  ])
  return {
    free: account[0],
    fees: fees[0] + fees[1],
    tokens,
    deals: new Map(dealStates),
    providers: new Map(providerStates),
  }
}

type DealView = Omit<DealState, 'isOver' | 'streams'> & { readonly state: number }

async function readDeal(scenario: Scenario, { id, terms }: WorldDeal): Promise<DealState> {
  const indexes = Array.from({ length: terms.streams }, (_, index) => index)
  const [deal, streams] = await Promise.all([
    view<DealView>(scenario, 'deal', [id]),
    Promise.all(indexes.map(async (index) => await view<readonly [number, number]>(scenario, 'stream', [id, index]))),
  ])
  const { state, ...money } = deal
  return {
    ...money,
    isOver: state === CLOSED,
    streams: streams.map(([count, units]) => ({ count, units: BigInt(units) })),
  }
}

type Contract = { readonly address: `0x${string}`; readonly abi: Abi }

async function view<Answer>(
  { client, deployment }: Scenario,
  functionName: string,
  args: readonly unknown[],
  contract: Contract = { address: deployment.settlement, abi: settlementAbi },
): Promise<Answer> {
  return (await client.readContract({ ...contract, functionName, args })) as Answer
}

/** What the settlement owes everybody together. */
export function owed({ free, fees, deals, providers }: Accounts): bigint {
  let sum = free + fees
  for (const { remaining } of deals.values()) sum += remaining
  for (const { unmatured, claimable } of providers.values()) sum += unmatured + claimable
  return sum
}

/** Units of all streams of a deal. */
export function unitsOf({ streams }: DealState): bigint {
  return streams.reduce((sum, { units }) => sum + units, 0n)
}
