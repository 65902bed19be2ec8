/**
 * Brings a world's deals and workers into code pages, as a member's upkeep does.
 *
 * @module
 */
import { encodeFunctionData, parseEventLogs } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { DEAL_ROWS, dealPlace } from '#protocol/deal-pages.ts'
import { PAGE_ROWS } from '#protocol/worker-pages.ts'

import type { World } from './world.ts'

/** The world as it is then, and what packing took, gas. */
export type Packed = { readonly world: World; readonly deals: bigint; readonly workers: bigint }

/** Packs every deal and every worker. @throws Error when they do not fit a page. */
export async function packWorld(world: World): Promise<Packed> {
  const deals = await packDeals(world)
  const workers = await packWorkers(world)
  const packed = {
    ...world,
    deals: world.deals.map((deal, index) => ({ ...deal, place: dealPlace(deals.page, index) })),
    workers: world.workers.map((_, index) => workers.firstIndex + index),
  }
  return { world: packed, deals: deals.gas, workers: workers.gas }
}

async function packDeals({ chain, deals, submitter }: World): Promise<{ page: number; gas: bigint }> {
  if (deals.length > DEAL_ROWS) throw new Error(`${deals.length} deals do not fit a page`)
  const args = [deals.map(({ id }) => id)] as const
  const data = encodeFunctionData({ abi: settlementAbi, functionName: 'packDeals', args })
  const { gas, receipt } = await chain.send(submitter, chain.deployment.settlement, data)
  const [event] = parseEventLogs({ abi: settlementAbi, eventName: 'DealsPacked', logs: receipt.logs })
  if (event === undefined) throw new Error('no deals were packed')
  return { page: event.args.page, gas }
}

async function packWorkers({ chain, workers, submitter }: World): Promise<{ firstIndex: number; gas: bigint }> {
  if (workers.length > PAGE_ROWS) throw new Error(`${workers.length} workers do not fit a page`)
  const data = encodeFunctionData({ abi: registryAbi, functionName: 'packWorkers', args: [workers] })
  const { gas, receipt } = await chain.send(submitter, chain.deployment.registry, data)
  const [event] = parseEventLogs({ abi: registryAbi, eventName: 'WorkersPacked', logs: receipt.logs })
  if (event === undefined) throw new Error('no workers were packed')
  return { firstIndex: event.args.firstIndex, gas }
}
