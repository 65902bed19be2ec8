/**
 * Signs batches, own and proposed ones, and only what this member has accepted and verified itself.
 *
 * @module
 */
import type { Hex } from 'viem'

import { type BlobGroup, decodeBatch, type Group, type GroupHead } from '#protocol/batch.ts'
import { groupHash, tallyOfGroup } from '#protocol/batch-root.ts'
import { BlobError } from '#protocol/blob.ts'
import { attestationDigest, type Domain } from '#protocol/eip712.ts'
import { decodeNetBatch } from '#protocol/net-batch.ts'
import { NetBlobError } from '#protocol/net-blobs.ts'
import { Lane, Mode, type Tally } from '#protocol/types.ts'
import type { ProposalAnswer, ProposalMessage } from '#protocol/wire.ts'
import { HttpProblem } from '#runtime/http.ts'
import { sameAddress } from '../domain/checks.ts'
import { contradict } from '../domain/segment.ts'
import type { Chain, Clock, Committee, FaultPoints, Signer, Store, StoredSegment } from '../ports.ts'
import type { Archive } from './archive.ts'
import type { Assemble, Assembled, Carriage, ProposedGroup } from './assembly.ts'
import { judgeGroups } from './judge.ts'

/** Attests for one member. */
export type Attester = {
  /**
   * Judges another member's batch, its blobs by making them again from this member's own segments.
   *
   * @throws HttpProblem 409 `proposal.refused`, `proposal.other-*` or `proposal.net-*`, 400 `proposal.malformed`, 507 `blob.full`.
   */
  answer(proposal: ProposalMessage): Promise<ProposalAnswer>
  /** First failing check of each group of an own batch, beside those the chain's state decides. */
  conflicts(groups: readonly StoredSegment[], claims: number): (string | null)[]
  /** Keeps the batch's blobs, signs and stores before it returns. @throws HttpProblem 507 `blob.full`. */
  sign(epoch: number, batch: Assembled, claims: number): Promise<Hex>
}

/**
 * Creates the attester.
 *
 * @param deps - `holdMs`: how long signed groups wait for the proposer's batch before this member proposes them itself.
 */
export function createAttester(deps: {
  readonly store: Store
  readonly chain: Pick<Chain, 'facts'>
  readonly committee: () => Promise<Committee>
  readonly signer: Signer
  readonly domain: Domain
  readonly committeeDomain: Domain
  readonly clock: Clock
  readonly faults: FaultPoints
  readonly archive: Pick<Archive, 'keep'>
  readonly assemble: Assemble
  readonly holdMs: number
}): Attester {
  const { store, chain, signer, domain, clock, faults, archive } = deps

  /** This member's own segment under exactly the tally of a group, and whether its deal settles in net batches. */
  async function own(group: Group | BlobGroup): Promise<{ stored: StoredSegment; netted: boolean } | null> {
    const { deal } = await chain.facts(group)
    const stored = store.segments.get(groupHash(tallyOf(group, deal.key)))
    return stored === null ? null : { stored, netted: deal.mode === Mode.Net }
  }

  function conflict(stored: StoredSegment, claims: number): string | null {
    if (stored.status === 'refused') return stored.check ?? 'segment.unknown'
    if (stored.verification === 'pending') return stored.check ?? 'reexecution.pending'
    if ((claims & ~stored.claims) !== 0) return 'claims.overstated'
    const signed = store.batches.signedRanges(stored.segment)
    return signed.some((range) => contradict(range, stored.segment)) ? 'attestation.conflict' : null
  }

  async function sign(epoch: number, { root, blobs, groups }: Assembled, claims: number): Promise<Hex> {
    // what is signed for has to stay readable: where the blobs cannot be kept, there is no signature
    await archive.keep(blobs)
    if (blobs.length > 0) faults.hit('blobs.kept')
    const before = store.batches.signature(epoch, root, claims)
    const signature = before ?? signer.sign(attestationDigest({ epoch, root, claims }, deps.committeeDomain))
    store.batches.sign(
      { epoch, root, claims, signature },
      groups.map(({ stored: { tallyHash, segment } }) => {
        return { tallyHash, dealKey: segment.dealKey, stream: segment.stream }
      }),
      clock.now() + deps.holdMs,
    )
    faults.hit('proposal.signed')
    return signature
  }

  async function judge({ groups, isNet }: Proposed, claims: number): Promise<ProposedGroup[]> {
    const found = await Promise.all(groups.map(own))
    const known = found.flatMap((one, index) => {
      const group = groups[index]
      if (one === null || group === undefined) return []
      return [{ ...one, index, group: withReceipts(group, one.stored) }]
    })
    const failures = await judgeGroups(
      chain,
      domain,
      known.map(({ stored, group: { signature } }) => ({ segment: stored.segment, signature, acknowledged: false })),
    )
    const refusals = new Map(found.flatMap((one, index) => (one === null ? [[index, 'segment.unknown']] : [])))
    for (const [position, { stored, netted, index }] of known.entries()) {
      const check = netted === isNet ? (conflict(stored, claims) ?? failures[position] ?? null) : 'deal.mode'
      if (check !== null) refusals.set(index, check)
    }
    if (refusals.size === 0) return known
    throw new HttpProblem(409, 'proposal.refused', `${refusals.size} group(s) refused`, {
      refusals: [...refusals].sort(([a], [b]) => a - b).map(([group, check]) => ({ group, check })),
    })
  }

  /** The batch as this member makes it of its own segments. */
  async function rebuild(carriage: Carriage, groups: readonly ProposedGroup[]): Promise<Assembled> {
    try {
      return await deps.assemble(carriage, groups)
    } catch (error) {
      if (!(error instanceof BlobError || error instanceof NetBlobError)) throw error
      throw new HttpProblem(400, 'proposal.malformed', error.message)
    }
  }

  return {
    sign,
    conflicts: (groups, claims) => groups.map((stored) => conflict(stored, claims)),

    async answer({ batch: bytes, claims, blobs, heads, forces = [] }) {
      const { epoch, members } = await deps.committee()
      if (!members.some((member) => sameAddress(member.signer, signer.address)))
        throw new HttpProblem(503, 'committee.not-a-member', 'this node is not in the committee')
      const batch = decode(bytes, heads, forces)
      if (batch.carriage.lane !== Lane.Attested || claims === 0)
        throw new HttpProblem(400, 'proposal.malformed', 'only batches of the attested lane with claims are signed')
      const own = await rebuild(batch.carriage, await judge(batch, claims))
      if (batch.isNet && own.bytes !== bytes)
        throw new HttpProblem(409, 'proposal.other-net', 'these groups make another net batch')
      if (own.blobs.map(({ versionedHash }) => versionedHash).join() !== blobs.join())
        throw new HttpProblem(409, 'proposal.other-blobs', 'the blobs of these segments have other hashes')
      return { member: signer.address, epoch, signature: await sign(epoch, own, claims) }
    },
  }
}

function tallyOf(group: Group | BlobGroup, dealKey: Hex): Tally {
  if ('receipts' in group) return tallyOfGroup(group, dealKey)
  const { stream, first, count, units, segment } = group
  return { dealKey, stream, first, count, units, segment }
}

/** The group with the receipts of this member's own segment: the same where it names them itself. */
function withReceipts(
  { dealId, stream, place, worker, first, units, signature }: GroupHead,
  stored: StoredSegment,
): Group {
  const head = { dealId, stream, worker, first, units, signature, ...(place === undefined ? {} : { place }) }
  return { ...head, receipts: stored.segment.receipts }
}

/** A batch to judge: its groups, wherever they are named. */
type Proposed = {
  readonly carriage: Carriage
  readonly groups: readonly (Group | BlobGroup)[]
  readonly isNet: boolean
}

function decode(bytes: Hex, heads: Hex | undefined, forces: readonly number[]): Proposed {
  try {
    if (heads === undefined) {
      const batch = decodeBatch(bytes)
      return { carriage: { mode: batch.mode, lane: batch.lane }, groups: batch.groups, isNet: false }
    }
    const { until, queueTo } = decodeNetBatch(bytes)
    const { groups } = decodeBatch(heads)
    return { carriage: { mode: Mode.Net, lane: Lane.Attested, net: { until, queueTo, forces } }, groups, isNet: true }
  } catch (error) {
    throw new HttpProblem(400, 'proposal.malformed', error instanceof Error ? error.message : 'it does not decode')
  }
}
