/**
 * The end of every deal: stopped, closed, matured, claimed, and everybody's money counted.
 *
 * @module
 */
import { encodeFunctionData } from 'viem'

import { demoDollarAbi, settlementAbi } from '#protocol/abi.generated.ts'
import type { ClusterChain } from './cluster-chain.ts'
import { actorOf, type DealHand, type ProviderHand, type Scenario } from './scenario.ts'

/** Everybody's money once all windows have passed and all is claimed, by name; base units of the settlement token. */
export type Balances = Readonly<Record<string, bigint>>

const DAY = 86_400
const HOUR = 3_600

/** What ends; `lane` is the slowest one that work was settled through. */
export type Ending = {
  readonly deals: readonly DealHand[]
  readonly providers: readonly ProviderHand[]
  readonly lane?: 'attested' | 'forced'
}

/**
 * Stops and closes the deals, lets all windows pass, claims everything and counts. Each transaction gets a block.
 *
 * @throws Error when the settlement holds other tokens than it owes.
 */
export async function closeAndClaim(
  scenario: Scenario,
  chain: ClusterChain,
  { deals, providers, lane = 'attested' }: Ending,
): Promise<Balances> {
  await chain.automine(true)
  const { settlement, dollar } = scenario.deployment
  const { client } = chain
  for (const { id, buyer } of deals) {
    await scenario.act(buyer, encodeFunctionData({ abi: settlementAbi, functionName: 'stop', args: [id] }))
  }
  // money matures when the day begins in which its window is over
  const { attestedWindow, forcedWindow, closingPeriod } = scenario.parameters
  const window = lane === 'forced' ? forcedWindow : attestedWindow
  await scenario.elapse(Math.max(window + DAY, closingPeriod) + HOUR)
  const anyone = actorOf('relay')
  for (const { id } of deals) {
    await scenario.act(anyone, encodeFunctionData({ abi: settlementAbi, functionName: 'close', args: [id] }))
  }
  for (const { id } of providers) {
    const earnings = await client.readContract({
      ...{ address: settlement, abi: settlementAbi, functionName: 'earnings', args: [id] },
    })
    if (earnings.unmatured !== 0n) throw new Error(`provider ${id} has ${earnings.unmatured} left that is not matured`)
    if (earnings.claimable === 0n) continue
    await scenario.act(anyone, encodeFunctionData({ abi: settlementAbi, functionName: 'claim', args: [id] }))
  }
  await scenario.act(anyone, encodeFunctionData({ abi: settlementAbi, functionName: 'claimFees' }))

  const tokensOf = async (name: string) =>
    client.readContract({
      address: dollar,
      abi: demoDollarAbi,
      functionName: 'balanceOf',
      args: [actorOf(name).address],
    })
  const balances: Record<string, bigint> = {}
  let owed = 0n
  for (const { buyer } of deals) {
    const args = [buyer.address] as const
    const [free, locked] = await client.readContract({
      ...{ address: settlement, abi: settlementAbi, functionName: 'account', args },
    })
    balances[`${buyer.name} has free`] = free
    balances[`${buyer.name} has locked`] = locked
    owed += free + locked
  }
  for (const { owner } of providers) balances[`${owner.name} was paid`] = await tokensOf(owner.name)
  balances['protocol was paid'] = await tokensOf('treasury')
  balances['committee was paid'] = await tokensOf('committee treasury')
  const held = await client.readContract({
    ...{ address: dollar, abi: demoDollarAbi, functionName: 'balanceOf', args: [settlement] },
  })
  if (held !== owed) throw new Error(`the settlement holds ${held} and owes ${owed}`)
  return balances
}
