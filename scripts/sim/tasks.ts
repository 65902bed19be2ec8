/**
 * Tasks as buyers order them and receipts as workers make them.
 *
 * @module
 */
import type { Hex } from 'viem'

import { taskHash } from '#protocol/eip712.ts'
import type { SignedReceipt } from '#protocol/evidence.ts'
import type { Order, Receipt } from '#protocol/types.ts'
import { outputCommitment, type Work, workHash } from '#protocol/work.ts'

import type { Random } from '../bench/random.ts'
import type { Signed, SimDeal } from './scene.ts'

/** A finished task: its order, what its receipt commits to, and the receipt. */
export type Done = { readonly order: Order; readonly work: Work; readonly receipt: Receipt }

/** An order of a deal. */
export function orderOf(deal: SimDeal, index: number, maxUnits: bigint, random: Random): Order {
  return { dealKey: deal.key, index: BigInt(index), inputRoot: random.bytes32(), maxUnits }
}

/** A receipt for `units` units of an order's task, whatever was done for it. */
export function receiptFor(order: Order, units: bigint, random: Random, startedAt = 0n): Done {
  const output: Hex = outputCommitment(random.bytes32(), random.bytes32())
  const work = { taskHash: taskHash(order), outputCommitment: output, startedAt, endedAt: startedAt + 60n }
  return { order, work, receipt: { units, workHash: workHash(work) } }
}

/** A receipt of a signed group as proofs show it. */
export function shownReceipt({ tally, group }: Signed, index: number, work: Work): SignedReceipt {
  return {
    ...{ tally, worker: group.worker, signature: group.signature, receipts: group.receipts },
    ...{ dealId: group.dealId, index, work },
  }
}
