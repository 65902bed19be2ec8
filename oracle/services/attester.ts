/**
 * Signs batches, own and proposed ones, and only what this member has accepted and verified itself.
 *
 * @module
 */
import type { Hex } from 'viem'

import { type Batch, type CalldataBatch, decodeBatch, type Group } from '#protocol/batch.ts'
import { batchRoot, groupHash, tallyOfGroup } from '#protocol/batch-root.ts'
import { attestationDigest, type Domain } from '#protocol/eip712.ts'
import { Lane, Mode } from '#protocol/types.ts'
import type { ProposalAnswer } from '#protocol/wire.ts'
import { HttpProblem } from '#runtime/http.ts'
import { sameAddress } from '../domain/checks.ts'
import { contradict } from '../domain/segment.ts'
import type { Chain, Clock, Committee, FaultPoints, Signer, Store, StoredSegment } from '../ports.ts'
import { judgeGroups } from './judge.ts'

/** Attests for one member. */
export type Attester = {
  /** Judges another member's batch. @throws HttpProblem 409 `proposal.refused`, 400 `proposal.malformed`. */
  answer(proposal: { readonly batch: Hex; readonly claims: number }): Promise<ProposalAnswer>
  /** First failing check of each group of an own batch, beside those the chain's state decides. */
  conflicts(groups: readonly StoredSegment[], claims: number): (string | null)[]
  /** Signs and stores before it returns. */
  sign(epoch: number, groups: readonly StoredSegment[], claims: number): Hex
}

/** Root of the batch of these groups. */
export function rootOf(groups: readonly StoredSegment[]): Hex {
  return batchRoot({ mode: Mode.Calldata, groupHashes: groups.map(({ tallyHash }) => tallyHash) })
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
  readonly holdMs: number
}): Attester {
  const { store, chain, signer, domain, clock, faults } = deps

  /** This member's own segment under exactly the tally of a group. */
  async function own(group: Group): Promise<StoredSegment | null> {
    const { deal } = await chain.facts(group)
    return store.segments.get(groupHash(tallyOfGroup(group, deal.key)))
  }

  function conflict(stored: StoredSegment, claims: number): string | null {
    if (stored.status === 'refused') return stored.check ?? 'segment.unknown'
    if (stored.verification === 'pending') return stored.check ?? 'reexecution.pending'
    if ((claims & ~stored.claims) !== 0) return 'claims.overstated'
    const signed = store.batches.signedRanges(stored.segment)
    return signed.some((range) => contradict(range, stored.segment)) ? 'attestation.conflict' : null
  }

  function sign(epoch: number, groups: readonly StoredSegment[], claims: number): Hex {
    const root = rootOf(groups)
    const before = store.batches.signature(epoch, root, claims)
    const signature = before ?? signer.sign(attestationDigest({ epoch, root, claims }, deps.committeeDomain))
    store.batches.sign(
      { epoch, root, claims, signature },
      groups.map(({ tallyHash, segment }) => ({ tallyHash, dealKey: segment.dealKey, stream: segment.stream })),
      clock.now() + deps.holdMs,
    )
    faults.hit('proposal.signed')
    return signature
  }

  async function judge(batch: CalldataBatch, claims: number): Promise<StoredSegment[]> {
    const found = await Promise.all(batch.groups.map(own))
    const known = found.flatMap((stored, index) => {
      const signature = batch.groups[index]?.signature
      return stored === null || signature === undefined ? [] : [{ stored, index, signature }]
    })
    const failures = await judgeGroups(
      chain,
      domain,
      known.map(({ stored, signature }) => ({ segment: stored.segment, signature, acknowledged: false })),
    )
    const refusals = new Map(found.flatMap((stored, index) => (stored === null ? [[index, 'segment.unknown']] : [])))
    for (const [position, { stored, index }] of known.entries()) {
      const check = conflict(stored, claims) ?? failures[position] ?? null
      if (check !== null) refusals.set(index, check)
    }
    if (refusals.size === 0) return known.map(({ stored }) => stored)
    throw new HttpProblem(409, 'proposal.refused', `${refusals.size} group(s) refused`, {
      refusals: [...refusals].sort(([a], [b]) => a - b).map(([group, check]) => ({ group, check })),
    })
  }

  return {
    sign,
    conflicts: (groups, claims) => groups.map((stored) => conflict(stored, claims)),

    async answer({ batch: bytes, claims }) {
      const { epoch, members } = await deps.committee()
      if (!members.some((member) => sameAddress(member.signer, signer.address)))
        throw new HttpProblem(503, 'committee.not-a-member', 'this node is not in the committee')
      const batch = decode(bytes)
      if (batch.mode !== Mode.Calldata || batch.lane !== Lane.Attested || claims === 0)
        throw new HttpProblem(400, 'proposal.malformed', 'only batches of the attested lane with claims are signed')
      const groups = await judge(batch, claims)
      return { member: signer.address, epoch, signature: sign(epoch, groups, claims) }
    },
  }
}

function decode(bytes: Hex): Batch {
  try {
    return decodeBatch(bytes)
  } catch (error) {
    throw new HttpProblem(400, 'proposal.malformed', error instanceof Error ? error.message : 'it does not decode')
  }
}
