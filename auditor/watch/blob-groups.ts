/**
 * Receipts of groups that were settled in blobs, as the blobs hold them.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { RootedBatch } from '#protocol/batch-root.ts'
import { decodeReceipts, segmentHash } from '#protocol/receipts.ts'
import { Mode, type Receipt, type Tally } from '#protocol/types.ts'
import { placeOf } from '#runtime/blob-opening.ts'

import { groupBytesIn } from '../blobs.ts'

/** What a blob holds of a group: the receipts that were signed, or something else, which makes the group void. */
export type BlobContent = { readonly receipts: readonly Receipt[] | null }

/** Versioned hash of the blob that holds group `index`; null where the batch has no blobs. */
export function blobOf(batch: RootedBatch, index: number): Hex | null {
  if (batch.mode !== Mode.Blob) return null
  return batch.blobs[placeOf(batch.blobs, index).blob]?.versionedHash ?? null
}

/**
 * Reads group `index` of a batch out of its blob.
 *
 * @param blob - The blob of {@link blobOf}.
 */
export function readGroup(batch: RootedBatch, index: number, tally: Tally, blob: Uint8Array): BlobContent {
  if (batch.mode !== Mode.Blob) return { receipts: null }
  const place = placeOf(batch.blobs, index)
  const bytes = groupBytesIn(blob, batch.blobs[place.blob]?.groups ?? 0, place.within)
  if (bytes === null || segmentHash(bytes) !== tally.segment) return { receipts: null }
  return { receipts: decodeReceipts(bytes, tally.count - tally.first).receipts }
}
