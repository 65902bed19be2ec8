/**
 * Whether an order is one this worker takes, decided before anything is stored or run.
 *
 * @module
 */
import { type Domain, orderDigest } from '#protocol/eip712.ts'
import { MAX_RECEIPT_UNITS } from '#protocol/receipts.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { DealState, kindName } from '#protocol/types.ts'
import { isRunnable } from '#protocol/work.ts'

import { WorkerError } from '../errors.ts'
import type { SignedOrder } from '../rows.ts'
import { type ChainView, type DealFacts, type Fleet, streamOf, streamsServed } from './view.ts'

/**
 * Checks an order against the chain's view.
 *
 * @returns The deal and the stream the task belongs to.
 * @throws WorkerError `order.unknown-deal`, `order.unsupported`, `order.deal-ended`, `order.other-stream`,
 *   `order.max-units`, `order.unpayable` or `order.bad-signature`.
 */
export function checkOrder(
  order: SignedOrder,
  view: ChainView,
  fleet: Fleet,
  domain: Domain,
): { readonly deal: DealFacts; readonly stream: number } {
  const deal = view.deals.get(order.dealKey)
  if (deal === undefined) throw new WorkerError('order.unknown-deal', `no live deal ${order.dealKey} of this provider`)
  const unsupported = unsupportedReason(deal)
  if (unsupported !== null) throw new WorkerError('order.unsupported', unsupported)
  if (deal.state !== DealState.Open || view.clock >= deal.end) {
    throw new WorkerError('order.deal-ended', `deal ${deal.id} takes no new work`)
  }
  const stream = streamOf(order.index, deal.terms.streams)
  if (!streamsServed(deal.terms.streams, fleet).includes(stream)) {
    throw new WorkerError('order.other-stream', `task ${order.index} belongs to stream ${stream}, another worker's`)
  }
  checkUnits(order, deal)
  const signer = recoverCompact(orderDigest(order, domain), order.signature)
  if (signer === null || signer.toLowerCase() !== deal.orderKey.toLowerCase()) {
    throw new WorkerError('order.bad-signature', `task ${order.index} is not signed by the deal's order key`)
  }
  return { deal, stream }
}

/** Why this worker cannot serve a deal at all, or null. */
export function unsupportedReason(deal: DealFacts): string | null {
  if (deal.offer.mode !== 0) return `mode ${deal.offer.mode} is not served`
  if (!isRunnable(deal.offer.kind)) return `${kindName(deal.offer.kind)} work is not served`
  return null
}

function checkUnits(order: SignedOrder, deal: DealFacts): void {
  if (order.maxUnits < 1n || order.maxUnits > MAX_RECEIPT_UNITS) {
    throw new WorkerError('order.max-units', `task ${order.index} allows ${order.maxUnits} units`)
  }
  if (order.maxUnits * deal.offer.price > deal.offer.maxBudget) {
    throw new WorkerError('order.unpayable', `task ${order.index} may cost more than the deal can ever hold`)
  }
}
