/**
 * A worker's segment as a member judges it, and what follows from its bytes alone.
 *
 * @module
 */
import type { Hex } from 'viem'

import { encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'
import type { Receipt, Tally } from '#protocol/types.ts'
import type { Wish } from './wishes.ts'

/** The order a receipt answers, with the buyer's signature. */
export type SignedOrder = {
  readonly index: bigint
  readonly inputRoot: Hex
  readonly maxUnits: bigint
  readonly signature: Hex
}

/** One finished task with everything its work hash was made of. Times are unix seconds. */
export type FullReceipt = Receipt & {
  readonly order: SignedOrder
  readonly outputRoot: Hex
  readonly plainHash: Hex
  readonly startedAt: number
  readonly endedAt: number
}

/** Receipts `first` to `count` of one stream under one signature; `units` is the stream's total after them. */
export type Segment = {
  readonly dealId: number
  readonly dealKey: Hex
  readonly stream: number
  readonly first: number
  readonly count: number
  readonly units: bigint
  readonly worker: number
  readonly signature: Hex
  readonly receipts: readonly FullReceipt[]
  readonly wish?: Wish | undefined
}

/** What a tally covers, without what its receipts were made of. */
export type BareSegment = Omit<Segment, 'receipts' | 'wish'> & { readonly receipts: readonly Receipt[] }

/** The part of a stream one accepted tally covers. `receipts[i]` is the stream's receipt number `first + i`. */
export type Range = {
  readonly tallyHash: Hex
  readonly first: number
  readonly count: number
  /** Stream's units after receipt `count`. */
  readonly units: bigint
  readonly receipts: readonly Receipt[]
}

/** The tally a segment's signature is for. */
export function tallyOf(segment: BareSegment): Tally {
  return {
    dealKey: segment.dealKey,
    stream: segment.stream,
    first: segment.first,
    count: segment.count,
    units: segment.units,
    segment: segmentHash(encodeReceipts(segment.receipts)),
  }
}

/** Stream's units after `position` receipts as this range has it; null outside of it. */
export function unitsAt(range: Omit<Range, 'tallyHash'>, position: number): bigint | null {
  if (position < range.first || position > range.count) return null
  return range.units - totalUnits(range.receipts.slice(position - range.first))
}

/**
 * Whether two tallies of one stream cannot both be honest: they differ at a receipt both cover, in the units at a point
 * both reach, or the longer one counts fewer units.
 */
export function contradict(a: Omit<Range, 'tallyHash'>, b: Omit<Range, 'tallyHash'>): boolean {
  const [low, high] = a.first <= b.first ? [a, b] : [b, a]
  if (low.count < high.first) return (unitsAt(high, high.first) ?? 0n) < low.units
  if (unitsAt(low, high.first) !== unitsAt(high, high.first)) return true
  const common = Math.min(low.count, high.count) - high.first
  for (let i = 0; i < common; i++) {
    const left = low.receipts[high.first - low.first + i]
    const right = high.receipts[i]
    if (left?.workHash !== right?.workHash || left?.units !== right?.units) return true
  }
  return false
}

/** Indexes into `receipts` that none of `known` covers, by rising index. */
export function freshReceipts(range: Pick<Range, 'first' | 'count'>, known: readonly Range[]): number[] {
  const fresh: number[] = []
  for (let position = range.first; position < range.count; position++) {
    if (!known.some((other) => other.first <= position && position < other.count)) fresh.push(position - range.first)
  }
  return fresh
}
