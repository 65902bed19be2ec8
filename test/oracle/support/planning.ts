/**
 * Candidates, fees and a policy for tests of planning.
 *
 * @module
 */
import type { FeeLevel } from '#oracle/domain/fees.ts'
import type { Waiting } from '#oracle/domain/grouping.ts'
import type { BatchPolicy } from '#oracle/domain/plan.ts'
import { Mode } from '#protocol/types.ts'

/** Now, in unix milliseconds, of every test. */
export const NOW = 1_000_000
const GWEI = 10n ** 9n

/** A chain of usual fees whose blobs cost their reserve. */
export const usualFees: FeeLevel = {
  ...{ baseFee: GWEI, usualBaseFee: GWEI, tip: 0n, blobBaseFee: 1n },
}

/** A member's policy that knows no price of an ether and no blobs. */
export const policy: BatchPolicy = {
  ...{ fork: 'osaka', modes: [Mode.Calldata], maxBytes: 122_880, maxGas: 15_728_640 },
  ...{ maxAgeMs: 10_000, leastWaitMs: 2_000, mostWaitMs: 86_400_000 },
  ...{ worthPercent: 125, dearPercent: 150, blobSavingPercent: 10 },
  ...{ etherPrice: null, gasShareBps: 50, payAtOnceBps: 10 },
}

/** Ten receipts of stream 0 of deal 0, come now. */
export function waiting(changes: Partial<Waiting> & { readonly receipts?: number } = {}): Waiting {
  const { receipts = 10, ...rest } = changes
  const first = rest.first ?? 10
  const candidate: Waiting = {
    ...{ tallyHash: `0x${'00'.repeat(32)}`, dealId: 0, stream: 0, worker: 512 },
    ...{ first, count: rest.count ?? first + receipts, receiptBytes: receipts * 35, units: 1_000n * BigInt(receipts) },
    ...{ receivedAtMs: NOW, dueMs: (rest.receivedAtMs ?? NOW) + policy.maxAgeMs },
    ...{ acknowledged: false, check: null, claims: 11, wish: {} },
    deal: { provider: 1, price: 100n, streams: 2, place: 256 },
  }
  return { ...candidate, ...rest }
}

/** One group for each of `count` streams, two streams a deal, two deals a provider, ids next to each other. */
export function streams(count: number, receipts: number, changes: Partial<Waiting> = {}): Waiting[] {
  return Array.from({ length: count }, (_, index) => {
    const dealId = Math.floor(index / 2)
    const deal = { provider: Math.floor(dealId / 2), price: 100n, streams: 2, place: 256 + (dealId % 256) }
    const tallyHash = `0x${index.toString(16).padStart(64, '0')}` as const
    return waiting({
      ...{ dealId, stream: index % 2, worker: 512 + (index % 512), deal, receipts, tallyHash },
      ...changes,
    })
  })
}
