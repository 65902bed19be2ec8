/**
 * What the cost model says of workloads: all their transactions, split as a member's batch builder splits them.
 *
 * @module
 */
import type { Route } from '#oracle/domain/batch-shape.ts'
import { estimate } from '#oracle/domain/cost-model.ts'
import { BLOB_BASE_COST, BLOB_GAS, type Fork } from '#oracle/domain/forks.ts'
import { selectGroups, type Waiting } from '#oracle/domain/grouping.ts'
import { NetBlobError, planNetBlobs } from '#protocol/net-blobs.ts'
import { RECEIPT_BYTES } from '#protocol/receipts.ts'
import { Lane, type Mode } from '#protocol/types.ts'

/** A workload as the benches have it: two streams and two workers a deal, two deals a provider, ids next to each other. */
export type Load = {
  readonly groups: number
  /** Receipts of each group. */
  readonly receipts: number
  /** Whether the streams settled before, with deals and workers packed; else it is their first batch. */
  readonly steady: boolean
  /** Two if left out. */
  readonly streamsPerDeal?: number
}

/** What settling a workload takes. */
export type Taken = { readonly gas: number; readonly blobs: number; readonly transactions: number }

const COMMITTEE_SIGNATURES = 5
const WORKERS_PER_DEAL = 2
const PAGE_ROWS = 512
const DEAL_ROWS = 256
const BOUNDS = { maxBytes: 128 * 1024 - 512, maxGas: 2 ** 24 }

function groupsOf({ groups, receipts, steady, streamsPerDeal = WORKERS_PER_DEAL }: Load): Waiting[] {
  return Array.from({ length: groups }, (_, index): Waiting => {
    const dealId = Math.floor(index / streamsPerDeal) + 1
    const stream = index % streamsPerDeal
    const worker = (dealId - 1) * WORKERS_PER_DEAL + (stream % WORKERS_PER_DEAL)
    const first = steady ? 100 : 0
    return {
      ...{ tallyHash: '0x', dealId, stream, worker: steady ? PAGE_ROWS + worker : PAGE_ROWS * (worker + 1) },
      ...{ first, count: first + receipts, receiptBytes: receipts * RECEIPT_BYTES, units: 0n },
      ...{ receivedAtMs: 0, dueMs: 0, acknowledged: false, check: null, claims: 1, wish: {} },
      deal: {
        ...{ provider: Math.floor((dealId - 1) / 2) + 1, price: 0n, streams: streamsPerDeal },
        place: steady ? DEAL_ROWS * (1 + Math.floor(dealId / DEAL_ROWS)) + (dealId % DEAL_ROWS) : 0,
      },
    }
  })
}

/** All transactions that settle a workload; null where a group alone does not fit one. */
export function taken(load: Load, mode: Mode, fork: Fork, lane: Lane = Lane.Attested): Taken | null {
  const route: Route = { mode, lane, signatures: lane === Lane.Attested ? COMMITTEE_SIGNATURES : 0 }
  let left = groupsOf(load)
  let sum: Taken = { gas: 0, blobs: 0, transactions: 0 }
  while (left.length > 0) {
    const { groups, shape } = selectGroups(left, route, { ...BOUNDS, fork })
    if (groups.length === 0) return null
    const { gas } = estimate(shape, fork)
    sum = { gas: sum.gas + gas, blobs: sum.blobs + shape.blobs, transactions: sum.transactions + 1 }
    const done = new Set(groups)
    left = left.filter((group) => !done.has(group))
  }
  return sum
}

/**
 * All net batches that settle a workload: their gas is what one was measured to take, which does not depend on receipts;
 * their blobs follow from the format.
 *
 * @param gas - Of one net batch of as many groups.
 */
export function takenNetted({ groups, receipts }: Pick<Load, 'groups' | 'receipts'>, gas: number): Taken | null {
  for (let transactions = 1; transactions <= groups; transactions += 1) {
    const blobs = netBlobs(Math.ceil(groups / transactions), receipts)
    if (blobs !== null) return { gas: gas * transactions, blobs: blobs * transactions, transactions }
  }
  return null
}

function netBlobs(groups: number, receipts: number): number | null {
  const lengths = Array.from({ length: groups }, () => receipts * RECEIPT_BYTES)
  try {
    return planNetBlobs(lengths, Math.ceil(groups / WORKERS_PER_DEAL)).rows.length
  } catch (error) {
    if (error instanceof NetBlobError) return null
    throw error
  }
}

/** Gas, and blobs at what they cost in gas when the blob market is idle (EIP-7918). */
export function withIdleBlobs({ gas, blobs }: Taken): number {
  return gas + blobs * BLOB_BASE_COST
}

/** The same of what was measured. */
export function idleGas({ gas, blobGas }: { readonly gas: number; readonly blobGas: number }): number {
  return withIdleBlobs({ gas, blobs: blobGas / BLOB_GAS, transactions: 1 })
}

/** Blob base fee, in parts of the base fee, at which two ways cost the same; null if the second has no blobs. */
export function breakEven(plain: Taken, blob: Taken): number | null {
  return blob.blobs === 0 ? null : (plain.gas - blob.gas) / (blob.blobs * BLOB_GAS)
}
