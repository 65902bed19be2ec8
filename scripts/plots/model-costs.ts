/**
 * What the cost model says of workloads: all their transactions, split as a member's batch builder splits them.
 *
 * @module
 */
import type { Route } from '#oracle/domain/batch-shape.ts'
import { estimate } from '#oracle/domain/cost-model.ts'
import { BLOB_BASE_COST, BLOB_GAS, type Fork } from '#oracle/domain/forks.ts'
import { selectGroups, type Waiting } from '#oracle/domain/grouping.ts'
import { RECEIPT_BYTES } from '#protocol/receipts.ts'
import { Lane, type Mode } from '#protocol/types.ts'

/** A workload as the benches have it: two streams a deal, two deals a provider, ids next to each other. */
export type Load = {
  readonly groups: number
  /** Receipts of each group. */
  readonly receipts: number
  /** Whether the streams settled before, with deals and workers packed; else it is their first batch. */
  readonly steady: boolean
}

/** What settling a workload takes. */
export type Taken = { readonly gas: number; readonly blobs: number; readonly transactions: number }

const COMMITTEE_SIGNATURES = 5
const PAGE_ROWS = 512
const DEAL_ROWS = 256
const BOUNDS = { maxBytes: 128 * 1024 - 512, maxGas: 2 ** 24 }

function groupsOf({ groups, receipts, steady }: Load): Waiting[] {
  return Array.from({ length: groups }, (_, index): Waiting => {
    const dealId = Math.floor(index / 2) + 1
    const first = steady ? 100 : 0
    return {
      ...{ tallyHash: '0x', dealId, stream: index % 2, worker: steady ? PAGE_ROWS + index : PAGE_ROWS * (index + 1) },
      ...{ first, count: first + receipts, receiptBytes: receipts * RECEIPT_BYTES, units: 0n },
      ...{ receivedAtMs: 0, dueMs: 0, acknowledged: false, check: null, claims: 1, wish: {} },
      deal: {
        ...{ provider: Math.floor((dealId - 1) / 2) + 1, price: 0n, streams: 2 },
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
