/**
 * What the openings contract is shown of a settled batch, see `contracts/interfaces/IOpenings.sol`: a group's place in
 * its batch, and the batch's in the chained hash that the settlement keeps of an interval or of a stream.
 *
 * @module
 */
import type { Hex } from 'viem'

import { blobTable, groupHash, type RootedBatch } from './batch-root.ts'
import { CHUNK_RECORDS, factsChunks, RECORD_BYTES } from './facts.ts'
import { CHUNK_LEAVES, merklePath } from './merkle.ts'
import { Mode, type Tally } from './types.ts'
import { concatBytes, FieldError, fixedBytes, keccak, toHex, uintBytes } from './words.ts'

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

/** Links of one chained hash, in order, and which of them is meant. */
export type Chained<Link> = { readonly links: readonly Link[]; readonly position: number }

const RING_CHAIN_BYTES = 26
const RECORD_CHAIN_BYTES = 27

/**
 * Chained hash of an interval's attested batches, in order: 26 bytes, zero for none.
 *
 * @throws FieldError when a field does not fit.
 */
export function ringChain(links: readonly RingLink[]): Hex {
  return toHex(chained(links.map(ringLinkBytes), RING_CHAIN_BYTES))
}

/**
 * Chained hash of a stream's forced and acknowledged groups, in order: 27 bytes, zero for none.
 *
 * @throws FieldError when a field does not fit.
 */
export function recordChain(links: readonly RecordLink[]): Hex {
  return toHex(chained(links.map(recordLinkBytes), RECORD_CHAIN_BYTES))
}

function chained(links: readonly Uint8Array[], size: number): Uint8Array {
  return links.reduce((before, link) => keccak(concatBytes([before, link])).slice(0, size), new Uint8Array(size))
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
 * Place of a group in an attested batch.
 *
 * @param batch - The batch with the facts `settle` returned for it.
 * @param tally - The group's.
 * @param index - The group's place in the batch.
 * @param interval - All attested batches of the interval that moved a stream, and which one this is.
 * @throws FieldError when the batch has no such group there or the interval no such batch.
 */
export function placeInBatch(
  batch: RootedBatch & { readonly facts: Hex },
  tally: Tally,
  index: number,
  interval: Chained<RingLink>,
): Hex {
  const { mode, groupHashes } = batch
  const { before, link, after } = around(interval)
  if (groupHashes[index] !== groupHash(tally)) throw new FieldError('index', 'is another group')
  const hashes = groupHashes.map((hash) => fixedBytes(hash, 32, 'groupHash'))
  const parts = [
    uintBytes(mode, 8, 'mode'),
    mode === Mode.Blob ? keccak(blobTable(batch.blobs)) : new Uint8Array(),
    uintBytes(groupHashes.length, 32, 'groups'),
    uintBytes(index, 32, 'index'),
    uintBytes(link.time, 32, 'time'),
    chained(before.map(ringLinkBytes), RING_CHAIN_BYTES),
    tallyBytes(tally),
    ...groupProof(hashes, index),
    ...factsProof(factsChunks(batch.facts), index),
    ...after.map(ringLinkBytes),
  ]
  return toHex(concatBytes(parts))
}

/** Hashes of the other groups of a group's chunk, and the chunk's path. */
export function groupProof(hashes: readonly Uint8Array[], index: number): Uint8Array[] {
  const chunk = Math.floor(index / CHUNK_LEAVES)
  const others = hashes.filter((_, at) => at !== index && Math.floor(at / CHUNK_LEAVES) === chunk)
  const chunks = Array.from({ length: Math.ceil(hashes.length / CHUNK_LEAVES) }, (_, at) =>
    concatBytes(hashes.slice(CHUNK_LEAVES * at, CHUNK_LEAVES * (at + 1))),
  )
  return [...others, ...pathOf(chunks, chunk)]
}

/** The records of a group's chunk, and the chunk's path. */
function factsProof(chunks: readonly Uint8Array[], index: number): Uint8Array[] {
  const chunk = Math.floor(index / CHUNK_RECORDS)
  const records = chunks[chunk]
  if (records === undefined) throw new FieldError('facts', 'are not of this batch')
  return [records, ...pathOf(chunks, chunk)]
}

function pathOf(chunks: readonly Uint8Array[], index: number): Uint8Array[] {
  const leaves = chunks.map((bytes) => toHex(keccak(bytes)))
  return merklePath(leaves, index).map((sibling) => fixedBytes(sibling, 32, 'sibling'))
}

/**
 * Place of a group in its stream's record.
 *
 * @param dealId - Id of the deal whose stream it is.
 * @param tally - The group's.
 * @param stream - All forced and acknowledged groups that moved the stream, and which one this is.
 * @throws FieldError when there is no such group there.
 */
export function placeInStream(dealId: number, tally: Tally, stream: Chained<RecordLink>): Hex {
  const { before, link, after } = around(stream)
  if (link.groupHash !== groupHash(tally)) throw new FieldError('position', 'is another group')
  const parts = [
    uintBytes(dealId, 32, 'dealId'),
    uintBytes(link.time, 32, 'time'),
    chained(before.map(recordLinkBytes), RECORD_CHAIN_BYTES),
    fixedBytes(link.record, RECORD_BYTES, 'record'),
    tallyBytes(tally),
    ...after.map(recordLinkBytes),
  ]
  return toHex(concatBytes(parts))
}

/** `deal key (32) ‖ stream (1) ‖ first (3) ‖ count (3) ‖ units so far (5)`. @throws FieldError on a field too wide. */
export function tallyBytes({ dealKey, stream, first, count, units }: Tally): Uint8Array {
  return concatBytes([
    fixedBytes(dealKey, 32, 'dealKey'),
    uintBytes(stream, 8, 'stream'),
    uintBytes(first, 24, 'first'),
    uintBytes(count, 24, 'count'),
    uintBytes(units, 40, 'units'),
  ])
}

function around<Link>({ links, position }: Chained<Link>) {
  const link = links[position]
  if (link === undefined) throw new FieldError('position', 'is past the end')
  return { before: links.slice(0, position), link, after: links.slice(position + 1) }
}
