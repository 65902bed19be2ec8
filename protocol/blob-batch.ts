/**
 * Batches whose receipts travel in blobs: made of the same groups as calldata batches, and read back together with the
 * blobs.
 *
 * @module
 */
import { type BlobBatch, type BlobGroup, type Group, sortGroups } from './batch.ts'
import { openGroup, packBlobs } from './blob.ts'
import { decodeReceipts, encodeReceipts, ReceiptsError, segmentHash } from './receipts.ts'
import { Mode, type Receipt } from './types.ts'

/** A batch and the blobs that go with it. */
export type PackedBatch = { readonly batch: BlobBatch; readonly blobs: readonly Uint8Array[] }

/**
 * Puts the receipts of groups into blobs and the rest into a batch.
 *
 * @throws BlobError when the groups do not fit six blobs or one does not fit 256 elements.
 */
export function packBlobBatch(lane: number, groups: readonly Group[]): PackedBatch {
  const sorted = sortGroups(groups)
  const segments = sorted.map(({ receipts }) => encodeReceipts(receipts))
  const packed = packBlobs(segments)
  const batch: BlobBatch = {
    mode: Mode.Blob,
    lane,
    blobs: packed.groups.map((count) => ({ groups: count })),
    groups: sorted.map(({ receipts, ...head }, index) => ({
      ...head,
      count: head.first + receipts.length,
      segment: segmentHash(segments[index] ?? new Uint8Array()),
    })),
  }
  return { batch, blobs: packed.blobs }
}

/**
 * Receipts of one group, or why there are none: its blob could not be read, voids it (its entry, an element or its bytes
 * are not what was signed), or holds bytes that were signed and are no receipts.
 */
export type BlobReceipts =
  | { readonly kind: 'receipts'; readonly bytes: Uint8Array; readonly receipts: readonly Receipt[] }
  | { readonly kind: 'unreadable' | 'void' | 'malformed' }

/**
 * Reads every group of a batch, each by itself, as the chain would judge it by openings.
 *
 * @param blobs - The batch's blobs, verified; null where one could not be had.
 * @throws BlobError when one has another size.
 */
export function readBlobBatch(batch: BlobBatch, blobs: readonly (Uint8Array | null)[]): BlobReceipts[] {
  let first = 0
  return batch.blobs.flatMap(({ groups }, index) => {
    const blob = blobs[index] ?? null
    const own = batch.groups.slice(first, first + groups)
    first += groups
    return own.map((group, within) => (blob === null ? { kind: 'unreadable' } : readOne(group, blob, groups, within)))
  })
}

function readOne(group: BlobGroup, blob: Uint8Array, groups: number, within: number): BlobReceipts {
  const opened = openGroup(blob, groups, within)
  if (opened.kind !== 'bytes' || segmentHash(opened.bytes) !== group.segment) return { kind: 'void' }
  const { bytes } = opened
  try {
    const { receipts, end } = decodeReceipts(bytes, group.count - group.first)
    return end === bytes.length ? { kind: 'receipts', bytes, receipts } : { kind: 'malformed' }
  } catch (error) {
    if (error instanceof ReceiptsError) return { kind: 'malformed' }
    throw error
  }
}
