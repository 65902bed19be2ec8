/**
 * Which groups of netted deals fit a net batch, and what one takes at most.
 *
 * @module
 */
import { elementsFor, MAX_GROUP_BYTES, MAX_GROUP_ELEMENTS } from '#protocol/blob.ts'
import { BLOB_ELEMENTS } from '#protocol/kzg.ts'
import { MAX_NET_BLOBS } from '#protocol/net-batch.ts'
import { DEAL_ELEMENTS, GROUP_ELEMENTS } from '#protocol/net-blobs.ts'
import { longestPerStream, type Waiting } from './grouping.ts'

/** Elements that are surely usable: each blob but the last may end with less room than the next group needs. */
export const USABLE_ELEMENTS =
  MAX_NET_BLOBS * BLOB_ELEMENTS - (MAX_NET_BLOBS - 1) * (GROUP_ELEMENTS + MAX_GROUP_ELEMENTS)

/** Gas of a net batch's own parts, its members' signatures included, above what was measured; and of each net, new words. */
const BATCH_GAS = 500_000
const NET_GAS = 60_000

/** Elements that a group takes at most: its record, its receipts, and its deal's record. */
export function elementsOfNet(receiptBytes: number): number {
  return GROUP_ELEMENTS + DEAL_ELEMENTS + elementsFor(receiptBytes)
}

/** Candidates that fit one net batch, those due first: of each stream all that its longest fitting one contains. */
export function fittingNet<C extends Waiting>(candidates: readonly C[]): C[] {
  const short = candidates.filter(({ receiptBytes }) => receiptBytes <= MAX_GROUP_BYTES)
  let left = USABLE_ELEMENTS
  const taken = new Set<string>()
  for (const { dealId, stream, receiptBytes } of longestPerStream(short).toSorted((a, b) => a.dueMs - b.dueMs)) {
    left -= elementsOfNet(receiptBytes)
    if (left < 0) break
    taken.add(`${dealId} ${stream}`)
  }
  return short.filter(({ dealId, stream }) => taken.has(`${dealId} ${stream}`))
}

/** Gas that a net batch does not take more of, its blobs' not included. */
export function mostNetGas(nets: number): number {
  return BATCH_GAS + nets * NET_GAS
}
