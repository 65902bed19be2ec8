/**
 * Puts groups of netted deals together as a net batch on top of this member's own book.
 *
 * @module
 */
import { encodeBatch, type Group, sortGroups } from '#protocol/batch.ts'
import { packBlobBatch } from '#protocol/blob-batch.ts'
import { netBatchRoot } from '#protocol/net-batch.ts'
import { buildNetBatch, NetBuildError, type NetDeal } from '#protocol/net-build.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import { HttpProblem } from '#runtime/http.ts'
import type { Kzg } from '#runtime/kzg.ts'
import type { Chain } from '../ports.ts'
import type { Assemble, NetTerms } from './assembly.ts'
import type { NetBook } from './net-book.ts'

/** Longest that a signature over a net batch may be used, seconds on the protocol clock. */
export const MOST_AHEAD = 3_600
/** How long a proposed batch may take to the chain: the members' clocks may differ by what one touch moves. */
const AHEAD = 1_800

/**
 * Creates the assembly of net batches.
 *
 * Groups that were announced are not put into batches of a member's own making: whoever announced them executes them.
 */
export function createNetAssembly(deps: {
  readonly kzg: Pick<Kzg, 'commit'>
  readonly chain: Pick<Chain, 'nets'>
  readonly book: NetBook
}): Assemble {
  const { kzg, chain, book } = deps

  function termsNow({ queueTo, clock }: Awaited<ReturnType<Chain['nets']>>, asked?: NetTerms): NetTerms {
    if (asked === undefined) return { until: clock + AHEAD, queueTo }
    if (asked.until < clock || asked.until > clock + MOST_AHEAD)
      throw new HttpProblem(409, 'proposal.net-time', 'a net batch is signed for an hour ahead at most')
    if (asked.queueTo > queueTo)
      throw new HttpProblem(409, 'proposal.net-queue', 'fewer groups are announced than the batch looked at')
    return asked
  }

  return async ({ net: asked }, groups) => {
    const now = await chain.nets()
    await book.follow()
    const { tree } = book.state()
    if (tree.root !== now.root)
      throw new HttpProblem(409, 'proposal.net-state', 'this member does not know where net mode stands')
    const { until, queueTo } = termsNow(now, asked)
    const plain = groups.map(({ group }) => group)
    const deals = new Map(plain.flatMap(({ dealId }) => entryOf(dealId, book.deal(dealId))))
    const built = build({ tree, deals, groups: plain, until, queueTo })
    const blobs = await commitBlobs(kzg, built.blobs)
    const versionedHashes = blobs.map(({ versionedHash }) => versionedHash)
    const root = netBatchRoot(built.encoded, { versionedHashes, previous: now.root, queueFrom: now.queueFrom })
    const { providers, buyers } = built.batch
    return { bytes: built.encoded, root, blobs, groups, heads: headsOf(plain), nets: providers.length + buyers.length }
  }
}

function entryOf(id: number, deal: NetDeal | undefined): [number, NetDeal][] {
  return deal === undefined ? [] : [[id, deal]]
}

function build(order: Parameters<typeof buildNetBatch>[0]) {
  try {
    return buildNetBatch(order)
  } catch (error) {
    if (!(error instanceof NetBuildError)) throw error
    // judged before, a group fails here only where the state moved in between
    throw new HttpProblem(409, 'proposal.net-state', error.message)
  }
}

/** The groups for members to find theirs by: as they would stand in a batch of blobs, a net batch names none itself. */
function headsOf(groups: readonly Group[]) {
  const { batch } = packBlobBatch(Lane.Attested, sortGroups(groups))
  return encodeBatch({ ...batch, mode: Mode.Blob })
}
