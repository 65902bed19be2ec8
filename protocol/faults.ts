/**
 * Faults that one transaction proves: what two tallies or a few receipts show, and the call that shows it on chain.
 *
 * Nothing here finds fault with what an honest worker signs: of one history, in whatever pieces.
 *
 * @module
 */
import type { Hex } from 'viem'

import { tallyHash, taskHash } from './eip712.ts'
import {
  detailOf,
  evidenceHash,
  faultSubject,
  inOrder,
  packReceipt,
  packTally,
  packTallyAndSegment,
  receiptAt,
  receiptHash,
  type SignedReceipt,
  type SignedSegment,
  type SignedTally,
} from './evidence.ts'
import { encodeReceipts } from './receipts.ts'
import { Fault, type Order } from './types.ts'
import { concatBytes, fixedBytes, toHex, uintBytes } from './words.ts'

/** A proof: whom and what it charges, and the call to the settlement's address. */
export type FaultProof = {
  readonly fault: Fault
  readonly dealKey: Hex
  readonly stream: number
  /** First receipt of the stream that is void. */
  readonly index: number
  readonly detail: Hex
  readonly subject: Hex
  /** What is to be committed to before. */
  readonly evidence: Hex
  readonly call: FaultCall
}

/** Function of the settlement with its arguments. */
export type FaultCall =
  | { readonly functionName: 'proveEquivocation'; readonly args: readonly [number, number, Hex] }
  | { readonly functionName: 'proveOverlap'; readonly args: readonly [number, number, number, Hex, Hex] }
  | { readonly functionName: 'proveOverclaim'; readonly args: readonly [number, number, Hex] }
  | { readonly functionName: 'proveDuplicate'; readonly args: readonly [Hex] }
  | { readonly functionName: 'proveOverMaximum'; readonly args: readonly [Hex, Hex] }
  | { readonly functionName: 'proveDoubleSelling'; readonly args: readonly [Hex] }

/** A tally, with its receipts where they are known. */
export type Shown = SignedTally & { readonly receipts?: SignedSegment['receipts'] }

const HOUR = 3600
/** Most receipts of one proof of double selling. */
export const MAX_SOLD = 8

function proofOf(
  fault: Fault,
  { dealKey, stream }: { dealKey: Hex; stream: number },
  index: number,
  detail: Hex,
  call: FaultCall,
): FaultProof {
  const subject = faultSubject(dealKey, stream, fault)
  return { fault, dealKey, stream, index, detail, subject, evidence: evidenceHash(index, detail), call }
}

/** Whether no one history has both tallies, by their numbers and segments alone. */
function contradict({ tally: a }: SignedTally, { tally: b }: SignedTally): boolean {
  if (a.count !== b.count) return a.count > b.count === a.units < b.units && a.units !== b.units
  return a.units !== b.units || (a.first === b.first && a.segment !== b.segment)
}

/** First receipt that both segments hold and that differs; null if none does. */
function differingIndex(a: SignedSegment, b: SignedSegment): number | null {
  const end = Math.min(a.tally.count, b.tally.count)
  for (let index = Math.max(a.tally.first, b.tally.first); index < end; index++) {
    const [left, right] = [receiptAt(a.tally, a.receipts, index), receiptAt(b.tally, b.receipts, index)]
    if (left.units !== right.units || left.workHash !== right.workHash) return index
  }
  return null
}

function isSegment(shown: Shown): shown is SignedSegment {
  return shown.receipts !== undefined
}

/**
 * The equivocation that two tallies of one stream are, whoever of the provider's workers signed them; null if one history
 * can have both. Where both tallies' receipts are known and differ, what is void begins exactly there.
 *
 * @param dealId - Id of the deal whose key both name.
 */
export function equivocationOf(dealId: number, one: Shown, other: Shown): FaultProof | null {
  const place = one.tally
  if (place.dealKey !== other.tally.dealKey || place.stream !== other.tally.stream) return null
  const [a, b] = inOrder(one, other)
  const detail = detailOf(tallyHash(a.tally), tallyHash(b.tally))
  const index = isSegment(a) && isSegment(b) ? differingIndex(a, b) : null
  if (index !== null && isSegment(a) && isSegment(b)) {
    const tallies = toHex(concatBytes([packTally(a), packTally(b)]))
    const receipts = toHex(concatBytes([encodeReceipts(a.receipts), encodeReceipts(b.receipts)]))
    const args = [dealId, place.stream, index, tallies, receipts] as const
    return proofOf(Fault.Equivocation, place, index, detail, { functionName: 'proveOverlap', args })
  }
  if (!contradict(a, b)) return null
  const tallies = toHex(concatBytes([packTallyAndSegment(a), packTallyAndSegment(b)]))
  const first = Math.min(a.tally.first, b.tally.first)
  const args = [dealId, place.stream, tallies] as const
  return proofOf(Fault.Equivocation, place, first, detail, { functionName: 'proveEquivocation', args })
}

/**
 * Whether so many units are more than 1.25 times what the rate cap allows for the time, and an hour's more.
 *
 * @param rateCap - Units per hour.
 * @param elapsed - Seconds of block time since the deal's opening.
 */
export function isOverclaimed(units: bigint, rateCap: number, elapsed: number): boolean {
  return BigInt(4 * HOUR) * units > BigInt(rateCap) * BigInt(5 * elapsed + 4 * HOUR)
}

/** The overclaim that a tally is, if {@link isOverclaimed} says so. */
export function overclaimOf(dealId: number, signed: SignedTally): FaultProof {
  const { tally } = signed
  const args = [dealId, tally.stream, toHex(packTallyAndSegment(signed))] as const
  return proofOf(Fault.Overclaim, tally, tally.first, tallyHash(tally), { functionName: 'proveOverclaim', args })
}

const placeOf = ({ dealId, tally, index }: SignedReceipt): readonly number[] => [dealId, tally.stream, index]

/** By deal id, stream and index. */
export function byPlace(a: SignedReceipt, b: SignedReceipt): number {
  const [left, right] = [placeOf(a), placeOf(b)]
  const at = left.findIndex((value, i) => value !== right[i])
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0)
}

/** The duplicate that two receipts of one deal are; null if they have two tasks or are one receipt. */
export function duplicateOf(one: SignedReceipt, other: SignedReceipt): FaultProof | null {
  const [a, b] = byPlace(one, other) < 0 ? [one, other] : [other, one]
  if (a.dealId !== b.dealId || a.work.taskHash !== b.work.taskHash || byPlace(a, b) === 0) return null
  const args = [toHex(concatBytes([packReceipt(a), packReceipt(b)]))] as const
  const detail = detailOf(receiptHash(a), receiptHash(b))
  return proofOf(Fault.DuplicateTask, b.tally, b.index, detail, { functionName: 'proveDuplicate', args })
}

/** What a receipt of more units than its order's maximum is; null if it is not, or the order is another. */
export function overMaximumOf(signed: SignedReceipt, order: Order): FaultProof | null {
  const { tally, receipts, index, work } = signed
  if (taskHash(order) !== work.taskHash || receiptAt(tally, receipts, index).units <= order.maxUnits) return null
  const packed = concatBytes([
    uintBytes(order.index, 64, 'order.index'),
    fixedBytes(order.inputRoot, 32, 'order.inputRoot'),
    uintBytes(order.maxUnits, 48, 'order.maxUnits'),
  ])
  const args = [toHex(packReceipt(signed)), toHex(packed)] as const
  return proofOf(Fault.OverMaximum, tally, index, receiptHash(signed), { functionName: 'proveOverMaximum', args })
}

/** Whether there is an instant that all the receipts' times hold; an empty time holds none. */
export function shareInstant(receipts: readonly SignedReceipt[]): boolean {
  return receipts.every((a) => receipts.every((b) => BigInt(a.work.endedAt) > BigInt(b.work.startedAt)))
}

/**
 * The double selling that receipts of one worker's key are; null if no instant is in all their times, or there are no
 * more of them than the capacity.
 *
 * @param capacity - Tasks at once that held for the provider's workers then; 0 if it declared nothing.
 */
export function doubleSellingOf(receipts: readonly SignedReceipt[], capacity: number): FaultProof | null {
  const sorted = receipts.toSorted(byPlace)
  const [first] = sorted
  const isMore = capacity !== 0 && sorted.length > capacity && sorted.length <= MAX_SOLD
  if (first === undefined || !isMore || !shareInstant(sorted)) return null
  const zero: Hex = `0x${'00'.repeat(32)}`
  const detail = sorted.reduce((hashes, one) => detailOf(hashes, receiptHash(one)), zero)
  const args = [toHex(concatBytes(sorted.map(packReceipt)))] as const
  return proofOf(Fault.DoubleSelling, first.tally, first.index, detail, { functionName: 'proveDoubleSelling', args })
}
