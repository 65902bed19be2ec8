/**
 * Where a settled group stands, as courts are shown it.
 *
 * @module
 */
import type { Hex } from 'viem'

import { placeInBatch, placeInStream } from '#protocol/openings.ts'
import { Lane } from '#protocol/types.ts'

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
