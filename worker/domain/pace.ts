/**
 * When receipts are worth a signature, and which ones the signature covers.
 *
 * @module
 */
import type { StreamHead } from '../rows.ts'

/** What decides; receipts and units of one stream, amounts in base units of the settlement token. */
export type PaceInput = {
  readonly head: StreamHead
  /** Receipts settled on the chain as last seen. */
  readonly cursor: number
  /** Reach of the furthest tally that starts at or before the cursor, 0 if there is none. */
  readonly signedCount: number
  /** Milliseconds the oldest unsigned receipt has waited. */
  readonly waitedMs: number
  /** Worth of the unsigned receipts. */
  readonly unsignedAmount: bigint
  /** Unmatured earnings the provider may still get. */
  readonly freeCoverage: bigint
}

/** How a worker batches. */
export type PaceSettings = { readonly receipts: number; readonly afterMs: number; readonly maxReceipts: number }

/**
 * The range of receipts to sign now, or null to wait.
 *
 * It starts at the chain's cursor: after a re-organisation to a lower cursor no tally reaches down to it, so the
 * same receipts are signed again from there.
 */
export function nextRange(
  input: PaceInput,
  settings: PaceSettings,
): { readonly first: number; readonly count: number } | null {
  const first = input.cursor
  const count = Math.min(input.head.count, first + settings.maxReceipts)
  const reach = Math.max(input.signedCount, first)
  const unsigned = count - reach
  if (unsigned <= 0) return null
  const isDue =
    unsigned >= settings.receipts ||
    input.waitedMs >= settings.afterMs ||
    count === first + settings.maxReceipts ||
    input.unsignedAmount * 2n >= input.freeCoverage
  return isDue ? { first, count } : null
}
