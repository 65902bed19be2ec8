/**
 * The root of a batch: what members attest, a force signs and events name.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Group } from './batch.ts'
import { tallyHash } from './eip712.ts'
import { leavesRoot } from './merkle.ts'
import { encodeReceipts, segmentHash } from './receipts.ts'
import { Mode, type Tally } from './types.ts'
import { concatBytes, FieldError, fixedBytes, keccak, packWords, toHex, uintBytes } from './words.ts'

/**
 * The tally a group's signature is for.
 *
 * @param dealKey - Key of the deal the group's id stands for.
 */
export function tallyOfGroup(group: Group, dealKey: Hex): Tally {
  const { stream, first, units, receipts } = group
  return {
    dealKey,
    stream,
    first,
    count: first + receipts.length,
    units,
    segment: segmentHash(encodeReceipts(receipts)),
  }
}

/**
 * Leaf of a batch's root: the struct hash of the group's tally, which is what its worker signed.
 *
 * @throws FieldError when a field does not fit.
 */
export function groupHash(tally: Tally): Hex {
  return tallyHash(tally)
}

/** A blob as a root binds it. */
export type RootedBlob = {
  readonly versionedHash: Hex
  /** How many groups of the batch it holds. */
  readonly groups: number
}

/** What a root covers: the hashes of all groups, in order, skipped ones too. */
export type RootedBatch =
  | { readonly mode: typeof Mode.Calldata; readonly groupHashes: readonly Hex[] }
  | { readonly mode: typeof Mode.Blob; readonly groupHashes: readonly Hex[]; readonly blobs: readonly RootedBlob[] }

/**
 * Root of a batch.
 *
 * @throws FieldError when there is no group, a hash is not 32 bytes or the blobs do not hold just these groups.
 */
export function batchRoot(batch: RootedBatch): Hex {
  const { mode, groupHashes } = batch
  const words = [
    uintBytes(mode, 8, 'mode'),
    uintBytes(groupHashes.length, 256, 'groups'),
    fixedBytes(leavesRoot(groupHashes), 32, 'root'),
    batch.mode === Mode.Blob ? blobsHash(batch.blobs, groupHashes.length) : new Uint8Array(32),
  ]
  return toHex(keccak(packWords(words)))
}

function blobsHash(blobs: readonly RootedBlob[], groups: number): Uint8Array {
  if (blobs.reduce((sum, blob) => sum + blob.groups, 0) !== groups) {
    throw new FieldError('blob.groups', 'do not add up to the groups of the batch')
  }
  return keccak(blobTable(blobs))
}

/**
 * What the hash of a batch's blobs covers: versioned hash and number of groups of each.
 *
 * @throws FieldError when one does not fit its bytes.
 */
export function blobTable(blobs: readonly RootedBlob[]): Uint8Array {
  const parts = blobs.flatMap((blob) => [
    fixedBytes(blob.versionedHash, 32, 'blob.versionedHash'),
    uintBytes(blob.groups, 16, 'blob.groups'),
  ])
  return concatBytes(parts)
}
