/**
 * What workers tell of a stream and what the chain has settled of it.
 *
 * @module
 */
import { z } from 'zod'

import { settlementAbi } from '#protocol/abi.generated.ts'

import { findJson, getJson } from './boards.ts'
import type { LocalNetwork } from './local-network.ts'
import type { Deal } from './market.ts'
import type { WorkerNode } from './nodes.ts'

const hash = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]+$/i)])
const integer = z.string().regex(/^\d+$/).transform(BigInt)
const receipt = z.object({
  ...{ position: z.number(), units: integer, workHash: hash, outputRoot: hash, plainHash: hash },
  ...{ startedAt: integer, endedAt: integer },
  order: z.object({ dealKey: hash, index: integer, inputRoot: hash, maxUnits: integer, signature: hash }),
})
const receiptsAnswer = z.object({ receipts: z.array(receipt) })
const tallyAnswer = z.object({
  tally: z.object({
    ...{ dealKey: hash, stream: z.number(), first: z.number(), count: z.number() },
    ...{ units: integer, segment: hash, signature: hash },
  }),
})

/** A receipt as its worker shows it. */
export type ShownReceipt = z.output<typeof receipt>

/** A tally as its worker shows it. */
export type ShownTally = z.output<typeof tallyAnswer>['tally']

/** The worker that serves a stream of a deal. */
export function workerOf(network: LocalNetwork, deal: Deal, stream: number): WorkerNode {
  const fleet = network.workers.filter(({ provider }) => provider === deal.provider)
  const worker = fleet[stream % fleet.length]
  if (worker === undefined) throw new Error(`provider ${deal.provider} has no workers`)
  return worker
}

const PAGE = 500

/** Receipts of a stream from position `from` to `to` (exclusive). */
export async function receiptsOf(
  worker: WorkerNode,
  deal: Deal,
  stream: number,
  range: { readonly from: number; readonly to: number },
): Promise<ShownReceipt[]> {
  const found: ShownReceipt[] = []
  for (let from = range.from; from < range.to; from += PAGE) {
    const limit = Math.min(PAGE, range.to - from)
    const query = `dealKey=${deal.key}&stream=${stream}&from=${from}&limit=${limit}`
    found.push(...receiptsAnswer.parse(await getJson(`${worker.url}/v1/receipts?${query}`)).receipts)
  }
  return found
}

/** The furthest unsettled tally of a stream; null when nothing waits. */
export async function tallyOf(worker: WorkerNode, deal: Deal, stream: number): Promise<ShownTally | null> {
  const answer = await findJson(`${worker.url}/v1/tallies?dealKey=${deal.key}&stream=${stream}`)
  return answer === null ? null : tallyAnswer.parse(answer).tally
}

/** Receipts settled of each stream of a deal. */
export async function settledOf(network: LocalNetwork, deal: Deal): Promise<number[]> {
  const { settlement: address } = network.deployment
  const streams = Array.from({ length: deal.plan.streams }, (_, stream) => stream)
  const found = await Promise.all(
    streams.map((stream) =>
      network.client.readContract({ address, abi: settlementAbi, functionName: 'stream', args: [deal.id, stream] }),
    ),
  )
  return found.map(([count]) => count)
}
