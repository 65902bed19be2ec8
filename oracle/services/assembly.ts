/**
 * Puts groups together as a batch: bytes, root, and the blobs that go with them. Who proposes and who judges do it alike,
 * each from its own segments.
 *
 * @module
 */
import type { Hex } from 'viem'

import { encodeBatch, type Group } from '#protocol/batch.ts'
import { batchRoot } from '#protocol/batch-root.ts'
import { packBlobBatch } from '#protocol/blob-batch.ts'
import { Mode } from '#protocol/types.ts'
import { type CommittedBlob, commitBlobs } from '#runtime/blob-transaction.ts'
import type { Kzg } from '#runtime/kzg.ts'
import type { StoredSegment } from '../ports.ts'

/** A group of a batch, with the segment it was made of. */
export type ProposedGroup = { readonly stored: StoredSegment; readonly group: Group }

/** What a net batch says beside its groups. */
export type NetTerms = {
  /** Last second on the protocol clock at which it may be settled. */
  readonly until: number
  /** Announced groups below this index were looked at. */
  readonly queueTo: number
  /** Announced groups that go with the others, by their index in the queue. */
  readonly forces: readonly number[]
}

/** How a batch travels. */
export type Carriage = {
  readonly mode: Mode
  readonly lane: number
  /** Of a net batch that somebody else proposes. */
  readonly net?: NetTerms
}

/** A batch of known groups. */
export type Assembled = {
  readonly bytes: Hex
  readonly root: Hex
  /** None where the batch has its receipts itself. */
  readonly blobs: readonly CommittedBlob[]
  readonly groups: readonly ProposedGroup[]
  /**
   * Of a net batch, which names no groups itself: they, for members to find theirs by; the announced groups beside them,
   * by index; and its number of nets.
   */
  readonly heads?: Hex
  readonly forces?: readonly number[]
  readonly nets?: number
}

/**
 * Puts groups, which are in chain order, together.
 *
 * @throws BlobError or NetBlobError when they do not fit the blobs of a transaction; HttpProblem 409 `proposal.net-*` when
 * this member cannot make a net batch of them.
 */
export type Assemble = (carriage: Carriage, groups: readonly ProposedGroup[]) => Promise<Assembled>

/** Creates the assembly; commitments are made off the event loop, net batches by `assembleNet`. */
export function createAssembly(kzg: Pick<Kzg, 'commit'>, assembleNet: Assemble): Assemble {
  return async (carriage, groups) => {
    const { mode, lane } = carriage
    if (mode === Mode.Net) return await assembleNet(carriage, groups)
    const groupHashes = groups.map(({ stored }) => stored.tallyHash)
    const plain = groups.map(({ group }) => group)
    if (mode === Mode.Calldata) {
      const bytes = encodeBatch({ mode, lane, groups: plain })
      return { bytes, root: batchRoot({ mode, groupHashes }), blobs: [], groups }
    }
    const { batch, blobs: packed } = packBlobBatch(lane, plain)
    const blobs = await commitBlobs(kzg, packed)
    const rooted = batch.blobs.map((blob, index) => ({ ...blob, versionedHash: blobs[index]?.versionedHash ?? '0x' }))
    return {
      bytes: encodeBatch(batch),
      root: batchRoot({ mode: batch.mode, groupHashes, blobs: rooted }),
      blobs,
      groups,
    }
  }
}
