/**
 * Where a settled group stands, as courts are shown it.
 *
 * @module
 */
import type { Hex } from 'viem'

import { blobTable } from '#protocol/batch-root.ts'
import { CHUNK_LEAVES, merklePath } from '#protocol/merkle.ts'
import { placeInBatch, placeInStream } from '#protocol/openings.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { concatBytes, fixedBytes, keccak, toHex, uintBytes } from '#protocol/words.ts'

import { type Book, type BookGroup, chainOf, intervalOf, streamKey } from './book.ts'

/** A place and which of the two kinds it is. */
export type Place = { readonly bytes: Hex; readonly recorded: boolean }

/** Chained hash of an interval as the settlement has it, 26 bytes. */
export type ReadInterval = (interval: number) => Promise<Hex>

/**
 * The place of a group that applied: in its stream's record, or in the ring.
 *
 * @returns Null where the chain does not keep it any more, or the book cannot tell what settling did to its batch.
 */
export async function placeOf(book: Book, group: BookGroup, readInterval: ReadInterval): Promise<Place | null> {
  if (group.batch.lane === Lane.Attested) return await ringPlace(book, group, readInterval)
  const { tally } = group
  const links = book.records.get(streamKey(tally.tally.dealKey, tally.tally.stream)) ?? []
  const position = links.findIndex((link) => link.group === group)
  if (position < 0) return null
  return { bytes: placeInStream(tally.dealId, tally.tally, { links, position }), recorded: true }
}

async function ringPlace(book: Book, group: BookGroup, readInterval: ReadInterval): Promise<Place | null> {
  const { batch, tally, index } = group
  const interval = intervalOf(batch.time)
  const links = book.intervals.get(interval) ?? []
  const position = links.findIndex((link) => link.batch === batch)
  if (batch.facts === null || position < 0) return null
  if ((await readInterval(interval)) !== chainOf(book, interval)) return null
  const bytes = placeInBatch({ ...batch.rooted, facts: batch.facts }, tally.tally, index, { links, position })
  return { bytes, recorded: false }
}

/** The place of a group under a root that members signed, settled or not. */
export function placeUnderRoot({ batch, tally: { tally }, index }: BookGroup): Hex {
  const { rooted } = batch
  const hashes = rooted.groupHashes.map((hash) => fixedBytes(hash, 32, 'groupHash'))
  const chunk = Math.floor(index / CHUNK_LEAVES)
  const chunks = Array.from({ length: Math.ceil(hashes.length / CHUNK_LEAVES) }, (_, at) =>
    toHex(keccak(concatBytes(hashes.slice(CHUNK_LEAVES * at, CHUNK_LEAVES * (at + 1))))),
  )
  return toHex(
    concatBytes([
      uintBytes(rooted.mode, 8, 'mode'),
      rooted.mode === Mode.Blob ? keccak(blobTable(rooted.blobs)) : new Uint8Array(),
      uintBytes(hashes.length, 32, 'groups'),
      uintBytes(index, 32, 'index'),
      fixedBytes(tally.segment, 32, 'segment'),
      fixedBytes(tally.dealKey, 32, 'dealKey'),
      uintBytes(tally.stream, 8, 'stream'),
      uintBytes(tally.first, 24, 'first'),
      uintBytes(tally.count, 24, 'count'),
      uintBytes(tally.units, 40, 'units'),
      ...hashes.filter((_, at) => at !== index && Math.floor(at / CHUNK_LEAVES) === chunk),
      ...merklePath(chunks, chunk).map((sibling) => fixedBytes(sibling, 32, 'sibling')),
    ]),
  )
}
