/**
 * Finds promises that members broke: what they promised a batch for stands in its stream's own record, because its
 * provider had to settle it itself, and later than promised.
 *
 * @module
 */
import { type Address, encodeFunctionData } from 'viem'

import { oversightAbi } from '#protocol/abi.generated.ts'
import { tallyHash } from '#protocol/eip712.ts'
import { placeInStream } from '#protocol/openings.ts'
import { brokenEvidence, memberSubject } from '#protocol/oversight.ts'
import { Fault, Lane } from '#protocol/types.ts'

import { type Book, type BookGroup, streamKey } from './book.ts'
import type { Finding, SeenPromise } from './facts.ts'

/** Whether a batch of the committee contained the group in time, skipped or not. */
function isDischarged(groups: readonly BookGroup[], hash: string, before: number): boolean {
  return groups.some(({ tally, batch }) => tally.hash === hash && batch.lane === Lane.Attested && batch.time <= before)
}

/**
 * The fault that a promise has become; null while it was kept, or nothing was forced.
 *
 * @param signersOf - Keys of an epoch's members, in their order.
 */
export function findBrokenPromise(
  book: Book,
  { dealId, tally, promise }: SeenPromise,
  signersOf: (epoch: number) => readonly Address[],
): Finding | null {
  const signer = signersOf(promise.epoch)[promise.member]
  if (signer === undefined) return null
  const hash = tallyHash(tally)
  const key = streamKey(tally.dealKey, tally.stream)
  const links = book.records.get(key) ?? []
  const position = links.findIndex((link) => link.groupHash === hash && link.time > promise.before)
  if (position < 0 || isDischarged(book.groups.get(key) ?? [], hash, promise.before)) return null
  const place = placeInStream(dealId, tally, { links, position })
  const data = encodeFunctionData({
    abi: oversightAbi,
    functionName: 'proveBroken',
    args: [promise, place, tally.segment],
  })
  const subject = memberSubject(hash, Fault.BrokenPromise, signer)
  const evidence = brokenEvidence({ tally: hash, before: promise.before }, signer)
  return { fault: Fault.BrokenPromise, court: 'oversight', dealId, stream: tally.stream, subject, evidence, data }
}
