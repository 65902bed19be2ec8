/**
 * What a worker may start without risking to work unpaid: the chain's money rules, applied to what it has done, what is
 * running and the most the next order may cost.
 *
 * A worker knows its own streams only. Where a bound is the deal's or the provider's as a whole, it keeps to its share,
 * so that workers that never talk to each other cannot overrun it together.
 *
 * @module
 */
import { MAX_STREAM_RECEIPTS, MAX_STREAM_UNITS, rateLimit } from '#protocol/rules.ts'
import { DealState } from '#protocol/types.ts'

import type { ChainView, DealFacts, Fleet } from './view.ts'

/** What one worker has under way in one deal. Units; `units` and `pending` count running orders at their maximum. */
export type Load = {
  /** Units of the stream so far. */
  readonly streamUnits: bigint
  /** Receipts of the stream so far, and running orders. */
  readonly streamReceipts: number
  /** Receipts of the stream that are not settled, and running orders. */
  readonly streamBacklog: number
  /** Units of all the worker's streams of the deal. */
  readonly dealUnits: bigint
  /** Part of `dealUnits` that is not settled. */
  readonly dealPending: bigint
  /** Units the buyer acknowledged on the worker's streams. */
  readonly acknowledged: bigint
  /** Streams of the deal the worker serves. */
  readonly streamsServed: number
  /** Worth of everything not settled, over all deals; base units of the settlement token. */
  readonly pendingAmount: bigint
}

/** Why an order cannot be started now. */
export type Hold = 'deal-ended' | 'revoked' | 'stream-full' | 'backlog' | 'rate' | 'budget' | 'exposure' | 'coverage'

/**
 * Says why an order cannot be started now, or null when its work is sure to be payable.
 *
 * @param maxUnits - Most units the order may take.
 * @param maxBacklog - Most unsettled receipts of one stream.
 */
export function holdReason(
  deal: DealFacts,
  view: ChainView,
  load: Load,
  maxUnits: bigint,
  settings: { readonly fleet: Fleet; readonly maxBacklog: number },
): Hold | null {
  const { price, rateCap } = deal.offer
  if (deal.state !== DealState.Open || view.clock >= deal.end) return 'deal-ended'
  if (view.revokedFrom !== 0 && view.clock >= view.revokedFrom) return 'revoked'
  const isFull = load.streamReceipts >= MAX_STREAM_RECEIPTS || load.streamUnits + maxUnits > MAX_STREAM_UNITS
  if (isFull) return 'stream-full'
  if (load.streamBacklog >= settings.maxBacklog) return 'backlog'
  // at the present clock and not at the deal's end: a buyer may stop at any second, and the rate clock with it
  if (load.streamUnits + maxUnits > rateLimit(rateCap, deal.openedAt, deal.end, view.clock)) return 'rate'

  const ofDeal = dealHold(deal, load, maxUnits)
  if (ofDeal !== null) return ofDeal
  const room = freeCoverage(view) / BigInt(settings.fleet.size)
  return load.pendingAmount + maxUnits * price > room ? 'coverage' : null
}

function dealHold(deal: DealFacts, load: Load, maxUnits: bigint): Hold | null {
  const { price } = deal.offer
  const pending = (load.dealPending + maxUnits) * price
  const total = (load.dealUnits + maxUnits) * price
  if (pending > deal.remaining || total > shareDown(deal.budget, load, deal)) return 'budget'
  // acknowledgements only raise it, so an allowance worth the budget never binds again
  if (deal.allowance * price >= deal.budget) return null
  const allowed = (shareDown(deal.terms.exposure, load, deal) + load.acknowledged) * price
  const paid = deal.budget - deal.remaining
  return paid + pending > deal.allowance * price || total > allowed ? 'exposure' : null
}

/** Unmatured earnings the provider may still get, base units of the settlement token. */
export function freeCoverage(view: ChainView): bigint {
  return view.cover > view.unmatured ? view.cover - view.unmatured : 0n
}

/** The worker's share of a deal's whole, by streams served, rounded down. */
function shareDown(whole: bigint, load: Load, deal: DealFacts): bigint {
  return (whole * BigInt(load.streamsServed)) / BigInt(deal.terms.streams)
}
