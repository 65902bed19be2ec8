/**
 * What a provider wishes of its pay: how soon, how cheap, and whether at once where the buyer's side has acknowledged.
 *
 * A wish comes with a segment and is not signed: it moves time and gas, never money. A member keeps it within bounds of
 * its own, because it is the member who pays for the gas.
 *
 * @module
 */

/** One provider's wish; what it leaves out is the member's to decide. */
export type Wish = {
  /** Settle at the latest this long after the segment came, seconds. */
  readonly settleWithin?: number | undefined
  /** Until then, wait while gas would be more than this share of the pay, in 1/10,000. */
  readonly gasShareBps?: number | undefined
  /** Whether acknowledged work is paid at once, for more gas, or goes through the window with the rest. */
  readonly payAtOnce?: boolean | undefined
}

/** A member's own answer to every wish. */
export type WishPolicy = {
  /** Longest a segment waits whose provider wishes nothing, milliseconds. */
  readonly maxAgeMs: number
  /** Bounds of what a provider may wish, milliseconds. */
  readonly leastWaitMs: number
  readonly mostWaitMs: number
}

/** How long a segment with this wish may wait, milliseconds. */
export function waitOf({ settleWithin }: Wish, { maxAgeMs, leastWaitMs, mostWaitMs }: WishPolicy): number {
  if (settleWithin === undefined) return maxAgeMs
  // a member that is quicker anyway stays so
  const least = Math.min(leastWaitMs, maxAgeMs)
  return Math.min(Math.max(settleWithin * 1_000, least), Math.max(mostWaitMs, maxAgeMs))
}
