/**
 * What the openings contract is shown of a settled batch, see `contracts/interfaces/IOpenings.sol`: a group's place in
 * its batch, and the batch's in the chained hash that the settlement keeps of an interval or of a stream.
 *
 * @module
 */
import type { Hex } from 'viem'

import { blobTable, groupHash, type RootedBatch } from './batch-root.ts'
import { CHUNK_RECORDS, factsChunks, RECORD_BYTES } from './facts.ts'
import { leafProof, merklePath } from './merkle.ts'
import { Mode, type Tally } from './types.ts'
import { concatBytes, FieldError, fixedBytes, keccak, toBytes, toHex, uintBytes } from './words.ts'

/** One attested batch as the ring chains it. */
export type RingLink = {
  readonly root: Hex
  readonly factsRoot: Hex
  /** Second on the protocol clock. */
  readonly time: number
}

/** One forced or acknowledged group as its stream's record chains it. */
export type RecordLink = {
  readonly groupHash: Hex
  /** The group's 16 bytes of facts. */
  readonly record: Hex
  /** Second on the protocol clock. */
  readonly time: number
}

/** `IOpenings.Inclusion`. */
export type Inclusion = GroupPlace & {
  readonly mode: number
  readonly groups: number
  readonly blobs: Hex
  readonly index: number
  readonly leaves: Hex
  readonly path: readonly Hex[]
  readonly facts: Hex
  readonly factsPath: readonly Hex[]
  readonly chain: Hex
  readonly time: number
  readonly later: Hex
}

/** `IOpenings.Entry`. */
export type RecordEntry = GroupPlace & {
  readonly dealId: number
  readonly facts: Hex
  readonly chain: Hex
  readonly time: number
  readonly later: Hex
}

type GroupPlace = Omit<Tally, 'segment'>

const RING_CHAIN_BYTES = 26
const RECORD_CHAIN_BYTES = 27
const NO_BLOBS: Hex = `0x${'00'.repeat(32)}`

/**
 * Chained hash of an interval's attested batches, in order: 26 bytes, zero for none.
 *
 * @throws FieldError when a field does not fit.
 */
export function ringChain(links: readonly RingLink[]): Hex {
  return chained(links.map(ringLinkBytes), RING_CHAIN_BYTES)
}

/**
 * Chained hash of a stream's forced and acknowledged groups, in order: 27 bytes, zero for none.
 *
 * @throws FieldError when a field does not fit.
 */
export function recordChain(links: readonly RecordLink[]): Hex {
  return chained(links.map(recordLinkBytes), RECORD_CHAIN_BYTES)
}

function chained(links: readonly Uint8Array[], size: number): Hex {
  const chain = links.reduce((before, link) => keccak(concatBytes([before, link])).slice(0, size), new Uint8Array(size))
  return toHex(chain)
}

function ringLinkBytes({ root, factsRoot, time }: RingLink): Uint8Array {
  return concatBytes([
    fixedBytes(root, 32, 'link.root'),
    fixedBytes(factsRoot, 32, 'link.factsRoot'),
    uintBytes(time, 32, 'link.time'),
  ])
}

function recordLinkBytes({ groupHash: leaf, record, time }: RecordLink): Uint8Array {
  return concatBytes([
    fixedBytes(leaf, 32, 'link.groupHash'),
    fixedBytes(record, RECORD_BYTES, 'link.record'),
    uintBytes(time, 32, 'link.time'),
  ])
}

/**
 * The proof that a batch in the ring holds a group.
 *
 * @param batch - The batch with the facts `settle` returned for it.
 * @param index - The group's place in the batch.
 * @param interval - All attested batches of the interval that moved a stream, in order.
 * @param position - The batch's place among them.
 * @throws FieldError when the batch has no such group there or the interval no such batch.
 */
export function inclusionOf(
  batch: RootedBatch & { readonly facts: Hex },
  { segment, ...place }: Tally,
  index: number,
  interval: readonly RingLink[],
  position: number,
): Inclusion {
  const link = linkAt(interval, position)
  if (batch.groupHashes[index] !== groupHash({ ...place, segment }))
    throw new FieldError('index', 'is another group')
  const chunk = Math.floor(index / CHUNK_RECORDS)
  const chunks = factsChunks(batch.facts)
  return {
    mode: batch.mode,
    groups: batch.groupHashes.length,
    blobs: batch.mode === Mode.Blob ? toHex(keccak(blobTable(batch.blobs))) : NO_BLOBS,
    index,
    ...place,
    ...leafProof(batch.groupHashes, index),
    facts: toHex(chunks[chunk] ?? new Uint8Array()),
    factsPath: merklePath(
      chunks.map((bytes) => toHex(keccak(bytes))),
      chunk,
    ),
    chain: ringChain(interval.slice(0, position)),
    time: link.time,
    later: toHex(concatBytes(interval.slice(position + 1).map(ringLinkBytes))),
  }
}

/**
 * The proof that a stream's record holds a group.
 *
 * @param dealId - Id of the deal whose stream it is.
 * @param groups - All forced and acknowledged groups that moved the stream, in order.
 * @param position - The group's place among them.
 * @throws FieldError when there is no such group there.
 */
export function recordEntryOf(
  dealId: number,
  { segment, ...place }: Tally,
  groups: readonly RecordLink[],
  position: number,
): RecordEntry {
  const link = linkAt(groups, position)
  if (link.groupHash !== groupHash({ ...place, segment }))
    throw new FieldError('position', 'is another group')
  return {
    dealId,
    ...place,
    facts: toHex(toBytes(link.record, 'record')),
    chain: recordChain(groups.slice(0, position)),
    time: link.time,
    later: toHex(concatBytes(groups.slice(position + 1).map(recordLinkBytes))),
  }
}

function linkAt<Link>(links: readonly Link[], position: number): Link {
  const link = links[position]
  if (link === undefined) throw new FieldError('position', 'is past the end')
  return link
}
