/**
 * Finds faults in what workers signed: tallies that contradict each other or count too much, tasks billed twice, more
 * units than ordered, more tasks at once than a worker can do.
 *
 * @module
 */
import type { SignedTally } from '#protocol/evidence.ts'
import {
  doubleSellingOf,
  duplicateOf,
  equivocationOf,
  type FaultProof,
  isOverclaimed,
  MAX_SOLD,
  overclaimOf,
  overMaximumOf,
} from '#protocol/faults.ts'

import { type Finding, findingOf, type SeenReceipt, type SeenTally, type WatchedDeal } from './facts.ts'

/** The first contradiction of a tally with others of its stream. */
export function findEquivocation(tally: SeenTally, others: Iterable<SeenTally>): Finding | null {
  for (const other of others) {
    if (other.hash === tally.hash) continue
    const proof = cheapest(tally, other)
    if (proof !== null) return findingOf(tally.dealId, proof)
  }
  return null
}

/** By numbers alone where receipts would make nothing less void: the same for less gas. */
function cheapest(tally: SeenTally, other: SeenTally): FaultProof | null {
  const full = equivocationOf(tally.dealId, tally, other)
  if (full === null) return null
  const byNumbers = equivocationOf(tally.dealId, bare(tally), bare(other))
  return byNumbers?.index === full.index ? byNumbers : full
}

const bare = ({ tally, worker, signature }: SeenTally): SignedTally => ({ tally, worker, signature })

/**
 * Whether a tally counts more than anyone could have made since the deal was opened.
 *
 * @param now - Unix seconds of the newest block: block time, of which there was never less than on the protocol clock.
 */
export function findOverclaim(deal: WatchedDeal, tally: SeenTally, now: number): Finding | null {
  const isTooMuch = isOverclaimed(tally.tally.units, deal.offer.rateCap, now - deal.openedAt)
  return isTooMuch ? findingOf(deal.id, overclaimOf(deal.id, tally)) : null
}

/** The first of the others that bills the receipt's task, too. */
export function findDuplicate(receipt: SeenReceipt, others: Iterable<SeenReceipt>): Finding | null {
  for (const other of others) {
    const proof = duplicateOf(receipt, other)
    if (proof !== null) return findingOf(receipt.dealId, proof)
  }
  return null
}

/** Whether a receipt has more units than its order allows. */
export function findOverMaximum(receipt: SeenReceipt): Finding | null {
  const order = { dealKey: receipt.tally.dealKey, ...receipt.order }
  const proof = overMaximumOf(receipt, order)
  return proof === null ? null : findingOf(receipt.dealId, proof)
}

/**
 * Receipts of one worker's key that share an instant, more than it does at once.
 *
 * @param receipts - Of one key and provider.
 * @param capacity - Tasks at once that its provider declared; 0 if nothing.
 */
export function findDoubleSelling(receipts: readonly SeenReceipt[], capacity: number): Finding | null {
  if (capacity === 0 || capacity >= MAX_SOLD) return null
  for (const { work } of receipts) {
    // an instant that many share is one at which one of them begins
    const at = BigInt(work.startedAt)
    const together = receipts.filter((one) => BigInt(one.work.startedAt) <= at && at < BigInt(one.work.endedAt))
    const proof = doubleSellingOf(together.slice(0, capacity + 1), capacity)
    if (proof !== null) return findingOf(together[0]?.dealId ?? 0, proof)
  }
  return null
}
