/**
 * Puts groups of netted deals together as a net batch on top of this member's own book.
 *
 * @module
 */
import { encodeBatch, type Group, sortGroups } from '#protocol/batch.ts'
import { MAX_GROUP_BYTES } from '#protocol/blob.ts'
import { packBlobBatch } from '#protocol/blob-batch.ts'
import type { Domain } from '#protocol/eip712.ts'
import { netBatchRoot } from '#protocol/net-batch.ts'
import { buildNetBatch, NetBuildError, type NetDeal } from '#protocol/net-build.ts'
import { RECEIPT_BYTES } from '#protocol/receipts.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import { HttpProblem } from '#runtime/http.ts'
import type { Kzg } from '#runtime/kzg.ts'
import { streamNumber } from '../domain/grouping.ts'
import { elementsOfNet, USABLE_ELEMENTS } from '../domain/netting.ts'
import type { Chain } from '../ports.ts'
import type { Assemble, NetTerms } from './assembly.ts'
import { judgeGroups } from './judge.ts'
import type { Announced, NetBook } from './net-book.ts'

/** Longest that a signature over a net batch may be used, seconds on the protocol clock. */
export const MOST_AHEAD = 3_600
/** How long a proposed batch may take to the chain: the members' clocks may differ by what one touch moves. */
const AHEAD = 1_800

/** Announced groups one batch takes in. */
const MOST_FORCES = 64

/** Creates the assembly of net batches: groups that were announced go with those of this member's own segments. */
export function createNetAssembly(deps: {
  readonly kzg: Pick<Kzg, 'commit'>
  readonly chain: Pick<Chain, 'nets' | 'facts'>
  readonly book: NetBook
  readonly domain: Domain
}): Assemble {
  const { kzg, chain, book } = deps

  /** Of announced groups those that are of no stream in the batch, the longest of each, as many as there is room for. */
  function candidates(own: readonly Group[], announced: readonly Announced[]): Announced[] {
    const taken = new Set(own.map(streamNumber))
    const longest = new Map<number, Announced>()
    for (const one of announced) {
      const number = streamNumber(one.group)
      if (!taken.has(number) && countOf(one.group) > countOf(longest.get(number)?.group)) longest.set(number, one)
    }
    let left = USABLE_ELEMENTS - own.reduce((sum, { receipts }) => sum + elementsOfNet(bytesOf(receipts)), 0)
    const fitting = [...longest.values()].filter(({ group: { receipts } }) => {
      left -= elementsOfNet(bytesOf(receipts))
      return bytesOf(receipts) <= MAX_GROUP_BYTES && left >= 0
    })
    return fitting.slice(0, MOST_FORCES)
  }

  /** Whether the chain would take each announced group after all others. */
  async function judged(own: readonly Group[], forces: readonly Announced[]): Promise<boolean[]> {
    const groups = [...own, ...forces.map(({ group }) => group)].map((group) => {
      const dealKey = book.deal(group.dealId)?.key ?? '0x'
      return { segment: { ...group, dealKey, count: countOf(group) }, signature: group.signature, acknowledged: false }
    })
    const failures = await judgeGroups(chain, deps.domain, groups)
    return failures.slice(own.length).map((failure) => failure === null)
  }

  /** The announced groups of a batch: those another member names, or those that go with a batch of its own. */
  async function forcesWith(own: readonly Group[], open: readonly Announced[], named?: readonly number[]) {
    if (open.length === 0 && (named ?? []).length === 0) return []
    const wanted = candidates(own, named === undefined ? open : open.filter(({ index }) => named.includes(index)))
    const applies = await judged(own, wanted)
    const forces = wanted.filter((_, at) => applies[at])
    if (named !== undefined && forces.length !== named.length)
      throw new HttpProblem(409, 'proposal.net-force', 'an announced group of the batch does not apply')
    return forces
  }

  function termsNow({ queueTo, clock }: Awaited<ReturnType<Chain['nets']>>, asked?: NetTerms) {
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
    const own = groups.map(({ group }) => group)
    const forces = await forcesWith(own, book.announced(now.queueFrom, queueTo), asked?.forces)
    const plain = [...own, ...forces.map(({ group }) => group)]
    const deals = new Map(plain.flatMap(({ dealId }) => entryOf(dealId, book.deal(dealId))))
    const built = build({ tree, deals, groups: plain, until, queueTo })
    const blobs = await commitBlobs(kzg, built.blobs)
    const versionedHashes = blobs.map(({ versionedHash }) => versionedHash)
    const root = netBatchRoot(built.encoded, { versionedHashes, previous: now.root, queueFrom: now.queueFrom })
    const { providers, buyers } = built.batch
    return {
      ...{ bytes: built.encoded, root, blobs, groups, heads: headsOf(own) },
      ...{ forces: forces.map(({ index }) => index), nets: providers.length + buyers.length },
    }
  }
}

const countOf = (group: Group | undefined): number => (group === undefined ? 0 : group.first + group.receipts.length)
const bytesOf = (receipts: readonly unknown[]): number => receipts.length * RECEIPT_BYTES

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
