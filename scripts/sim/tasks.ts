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
export type Done = {
  readonly order: Order
  readonly work: Work
  readonly receipt: Receipt
  /** What courts are shown of the output: its data root and the plain result's hash. */
  readonly output: { readonly outputRoot: Hex; readonly plainHash: Hex }
}

/** An order of a deal. */
export function orderOf(deal: SimDeal, index: number, maxUnits: bigint, random: Random): Order {
  return { dealKey: deal.key, index: BigInt(index), inputRoot: random.bytes32(), maxUnits }
}

/** A receipt for `units` units of an order's task, whatever was done for it; `plainHash` is the result's. */
export function receiptFor(order: Order, units: bigint, random: Random, plainHash: Hex = random.bytes32()): Done {
  const output = { outputRoot: random.bytes32(), plainHash }
  const outputs = outputCommitment(output.outputRoot, plainHash)
  const work = { taskHash: taskHash(order), outputCommitment: outputs, startedAt: 0n, endedAt: 60n }
  return { order, work, output, receipt: { units, workHash: workHash(work) } }
}

/** A receipt of a signed group as proofs show it. */
export function shownReceipt({ tally, group }: Signed, index: number, work: Work): SignedReceipt {
  return {
    ...{ tally, worker: group.worker, signature: group.signature, receipts: group.receipts },
    ...{ dealId: group.dealId, index, work },
  }
}
