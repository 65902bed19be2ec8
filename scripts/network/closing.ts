/**
 * The end of the story: deals stop and close, windows pass, everybody takes out what is theirs.
 *
 * @module
 */
import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { dayOf, forcedMaturityDay, maturityDay } from '#protocol/rules.ts'
import { DealState } from '#protocol/types.ts'

import { passTime, protocolClock } from './chain-time.ts'
import type { LocalNetwork } from './local-network.ts'
import type { Deal } from './market.ts'

const DAY = 86_400

/** Told which share of the time has passed. */
type OnShare = (share: number) => void

/** Buyers stop their deals: what was done stays payable, nothing new is. */
export async function stopDeals(network: LocalNetwork, deals: readonly Deal[]): Promise<void> {
  const { settlement: address } = network.deployment
  // one after the other: a buyer may have several
  for (const { buyer, id } of deals) {
    await buyer.call({ address, abi: settlementAbi, functionName: 'stop', args: [id] })
  }
}

/** Lets every window and every closing period pass. */
export async function passWindows(network: LocalNetwork, onProgress: OnShare): Promise<void> {
  const { settlement: address } = network.deployment
  const { forcedWindow, attestedWindow, closingPeriod } = await network.client.readContract({
    ...{ address, abi: settlementAbi, functionName: 'parameters' },
  })
  const from = await protocolClock(network)
  const matured = Math.max(maturityDay(dayOf(from), attestedWindow), forcedMaturityDay(from, forcedWindow))
  await passUntil(network, from, Math.max(matured * DAY, from + closingPeriod) + 1, onProgress)
}

async function passUntil(network: LocalNetwork, from: number, until: number, onProgress: OnShare): Promise<void> {
  await passTime(network, until, (clock) => onProgress(Math.min(1, (clock - from) / (until - from))))
}

/** Closes every deal that no member has closed yet. */
export async function closeDeals(network: LocalNetwork, deals: readonly Deal[]): Promise<void> {
  for (const deal of deals) {
    if ((await stateOf(network, deal)) === DealState.Closed) continue
    try {
      const { settlement: address } = network.deployment
      await network.anyone.call({ address, abi: settlementAbi, functionName: 'close', args: [deal.id] })
    } catch (error) {
      // a member's upkeep closes deals as well, and may have been faster
      if ((await stateOf(network, deal)) !== DealState.Closed) throw error
    }
  }
}

async function stateOf(network: LocalNetwork, deal: Deal): Promise<number> {
  const { settlement: address } = network.deployment
  const args = [deal.id] as const
  return (await network.client.readContract({ address, abi: settlementAbi, functionName: 'deal', args })).state
}

/** Providers, treasuries and buyers are paid what is theirs. */
export async function payOut(network: LocalNetwork): Promise<void> {
  const contract = { address: network.deployment.settlement, abi: settlementAbi } as const
  for (const { id } of network.providers) {
    await network.anyone.call({ ...contract, functionName: 'claim', args: [id] })
  }
  await network.anyone.call({ ...contract, functionName: 'claimFees', args: [] })
  await Promise.all(
    network.buyers.map(async (buyer) => {
      const [free] = await network.client.readContract({ ...contract, functionName: 'account', args: [buyer.address] })
      if (free > 0n) await buyer.call({ ...contract, functionName: 'withdraw', args: [buyer.address, free] })
    }),
  )
}

/** Providers thaw their stake, which no deal holds any more, wait, and take it out. */
export async function takeStakeOut(network: LocalNetwork, onProgress: OnShare): Promise<void> {
  const contract = { address: network.deployment.registry, abi: registryAbi } as const
  const { client, providers } = network
  await Promise.all(
    providers.map(async ({ id, owner }) => {
      const { stake } = await client.readContract({ ...contract, functionName: 'providerOf', args: [id] })
      await owner.call({ ...contract, functionName: 'thaw', args: [id, stake] })
    }),
  )
  const thawing = await Promise.all(
    providers.map(({ id }) => client.readContract({ ...contract, functionName: 'providerOf', args: [id] })),
  )
  const until = Math.max(...thawing.map(({ thawedAt }) => thawedAt))
  await passUntil(network, await protocolClock(network), until, onProgress)
  await Promise.all(
    providers.map(({ id, owner }) =>
      owner.call({ ...contract, functionName: 'withdrawStake', args: [id, owner.address] }),
    ),
  )
}
